#!/usr/bin/env bats
# What wssub writes, what it says, where it goes on, and how it ends.
# shellcheck disable=SC2154,SC2153 # what start_wsd, listening and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# shellcheck disable=SC2016 # what another shell expands

load helper

bats_require_minimum_version 1.5.0

setup() {
	PATH=$BIN:$BATS_TEST_DIRNAME/tools:$PATH
	T=$BATS_TEST_TMPDIR
}

# server [OPTION...]: a wsd that the clients find by themselves.
server() {
	start_wsd "$@"
	export WSD_URL=$url
}

# subscribe OPTION...: a wssub in the background, once it is subscribed; its
# output goes to $T/out and $T/err.
subscribe() {
	mkfifo "$T/subscribed"
	exec 8<>"$T/subscribed"
	start wssub --ready-fd 8 "$@" >"${OUT:-$T/out}" 2>"$T/err"
	read -r _ <&8
	exec 8<&-
}

# ends STATUS: the wssub of subscribe() does.
ends() {
	local status=0

	wait "$PID" || status=$?
	((status == $1)) && return
	echo "it ended with status $status"
	cat "$T/err"
	return 1
}

# fake STEPS [STEPS...]: a fakeserver, with the steps of each connection.
fake() {
	local IFS=,

	listening fakeserver --log "$T/log" "[${*/#/[}]"
	export WSD_URL=ws://127.0.0.1:$PORT/ws
}

# Steps of a connection, joined by commas.
steps() {
	local IFS=,

	echo "$*]"
}

send() {
	jq -nc --arg text "$1" '{send: $text}'
}

wait_for() {
	jq -nc --arg text "$1" '{wait: $text}'
}

v1() {
	echo '{"accept":"wsd.v1"}'
}

welcome() {
	send '{"type":"WELCOME","server":"fake"}'
}

# subscribed EPOCH NEXT [RECOVERED]
subscribed() {
	send "{\"type\":\"SUBSCRIBED\",\"id\":1,\"tenantId\":\"t\",\"epoch\":\"$1\",\"next\":$2,\"recovered\":${3:-true}}"
}

# update EPOCH SEQ
update() {
	send "{\"type\":\"UPDATE\",\"tenantId\":\"t\",\"epoch\":\"$1\",\"seq\":$2,\"data\":$2}"
}

# A v1 connection up to the subscription: greeting EPOCH NEXT [RECOVERED]
greeting() {
	echo "$(v1),$(welcome),$(wait_for SUBSCRIBE),$(subscribed "$@")"
}

# --- what it writes

@test "updates come bare, byte for byte, one a line" {
	server
	subscribe -c 3 t
	wspub t '{"n": 1.10,  "s":"\u00e4ä"}' '12345678901234567890' '[ ]'
	ends 0
	diff - "$T/out" <<-'END'
		{"n": 1.10,  "s":"\u00e4ä"}
		12345678901234567890
		[ ]
	END
	[[ ! -s $T/err ]]
}

@test "-e writes whole messages, of several tenants" {
	server
	subscribe -e -c 2 u t t
	wspub t 1
	wspub u 2
	ends 0
	run -0 jq -r '[.type, .tenantId, .seq, .data] | @csv' "$T/out"
	[[ ${lines[0]} == '"UPDATE","t",1,1' ]]
	[[ ${lines[1]} == '"UPDATE","u",1,2' ]]
}

@test "--since: all, a number, an age, a point" {
	server
	wspub t 1 2 3
	[[ $(wssub --since all -c 3 t) == $'1\n2\n3' ]]
	[[ $(wssub --since 2 -c 2 t) == $'2\n3' ]]
	[[ $(wssub --since 10m -c 3 t) == $'1\n2\n3' ]]
	epoch=$(wssub --since 1 -e -c 1 t | jq -r .epoch)
	[[ $(wssub --since "$epoch:1" -c 2 t) == $'2\n3' ]]
}

@test "a message in several frames, and several in one" {
	fake "$(steps "$(greeting a 1)" \
		'{"send":"{\"type\":\"UPDATE\",\"tenantId\":\"t\",\"epoch\":\"a\",\"seq\":1,\"data\":\"whole\"}","fragments":5}' \
		"$(send $'\n{"type":"NEWS"}\n{"type":"UPDATE","tenantId":"t","epoch":"a","seq":2,"data":2}\n\n{"type":"UPDATE","tenantId":"t","epoch":"a","seq":3,"data":3}\n')")"
	run -0 wssub -c 3 t
	[[ $output == $'"whole"\n2\n3' ]]
}

@test "a reader that comes late gets everything" {
	server --max-lag 64M
	mkfifo "$T/pipe"
	exec 6<>"$T/pipe"
	OUT=$T/pipe subscribe -c 20000 t
	seq 20000 | jq -c '{n: ., fill: ("x" * 200)}' >"$T/in"
	wspub t -f "$T/in"
	head -n 20000 <&6 >"$T/late"
	ends 0
	cmp "$T/in" "$T/late"
}

@test "on a terminal control characters are escaped" {
	server
	wspub t '"\u0041'$'\x7f\xc2\x9b\xe2\x80\xae''ä"'
	run -0 script -qec 'wssub --since all -c 1 t' /dev/null
	[[ ${output%$'\r'} == '"\u0041\u007f\u009b\u202eä"' ]]
	run -0 wssub --since all -c 1 t
	[[ $output == '"\u0041'$'\x7f\xc2\x9b\xe2\x80\xae''ä"' ]]
}

@test "O_NONBLOCK is not set on a pipe that others write to" {
	server
	wspub t 1
	{
		wssub --since all -c 1 t
		awk '/^flags/ { print $2 }' /proc/self/fdinfo/1 >"$T/flags"
	} | cat
	[[ $(<"$T/flags") == 0*1 ]]
	(($(<"$T/flags") / 4000 % 2 == 0))
}

# --- how it ends

@test "-c: exactly so many updates" {
	server
	wspub t 1 2 3 4 5
	run -0 wssub --since all -c 2 t
	[[ $output == $'1\n2' ]]
}

@test "head leaves: it ends at once, also on a quiet tenant" {
	server
	wspub t 1
	run -0 bash -c 'wssub --since all t | head -1; echo "${PIPESTATUS[0]}"'
	[[ $output == $'1\n141' ]]
}

@test "-W is exit 124, and says how far it came" {
	server
	run -124 --separate-stderr wssub -W 50ms t
	[[ $stderr == 'wssub: time is up after 50 ms; updates: 0' ]]
	fake '{"hang":true}]'
	run -124 --separate-stderr wssub -W 50ms t
	[[ $stderr == *"timed out after 50 ms: the server does not answer the request for a WebSocket" ]]
}

@test "--idle: exit 0 after silence" {
	server
	wspub t 1 2
	run -0 wssub --since all --idle 50ms t
	[[ $output == $'1\n2' ]]
}

@test "a signal ends it by that signal" {
	server
	for signal in TERM HUP; do
		subscribe t
		kill -s "$signal" "$PID"
		ends "$((128 + $(kill -l $signal)))"
		rm "$T/subscribed"
	done
}

@test "output that cannot be written" {
	server
	wspub t 1
	run -1 bash -c 'wssub --since all t >/dev/full'
	[[ $output == 'wssub: cannot write to stdout: No space left on device' ]]
	run -1 bash -c 'wssub --since all t >&-'
	[[ $output == *'cannot write to stdout: Bad file descriptor' ]]
	run -1 bash -c 'wssub --ready-fd 5 t 5>/dev/full'
	[[ $output == 'wssub: cannot write to --ready-fd 5: No space left on device' ]]
}

@test "usage" {
	run -2 wssub
	run -2 wssub 'bad id'
	run -2 wssub --since x t
	run -2 wssub --ready-fd 77 t
	[[ ${lines[0]} == 'wssub: --ready-fd: descriptor 77 is not open' ]]
	run -2 wssub --ready-fd 1 t
	run -2 wssub -u http://localhost/ t
	run -2 wssub -c 0 t
	run -0 wssub --help
	run -0 wssub --version
}

# --- reconnecting and resuming

@test "after a loss it goes on where it was" {
	fake "$(steps "$(greeting a 5)" "$(update a 5)" "$(update a 6)" '{"end":true}')" \
		"$(steps "$(v1)" "$(welcome)" "$(wait_for '"since":{"epoch":"a","seq":6}')" \
			"$(subscribed a 7)" "$(update a 6)" "$(update a 7)")"
	run -0 --separate-stderr wssub -c 3 t
	[[ $output == $'5\n6\n7' ]]
	[[ $stderr == *'it ended without a close frame; trying again in '* ]]
}

@test "before its first update it goes on from next - 1" {
	fake "$(steps "$(greeting a 5)" '{"end":true}')" \
		"$(steps "$(v1)" "$(welcome)" "$(wait_for '"since":{"epoch":"a","seq":4}')" \
			"$(subscribed a 5)" "$(update a 5)")"
	run -0 --separate-stderr wssub -c 1 t
	[[ $output == 5 ]]
}

@test "cut anywhere, everything comes once" {
	local port

	server
	seq 300 | wspub t
	port=${url##*:}
	listening cutproxy --to "${port%/ws}" \
		'[{"cut":9000},{"cut":5000},{"cut":50},{"cut":700},{"cut":9999},{"cut":1234}]'
	WSD_URL=ws://127.0.0.1:$PORT/ws run -0 --separate-stderr \
		timeout 50 wssub --since all -c 300 t
	[[ $output == "$(seq 300)" ]]
}

@test "--no-reconnect: exit 3" {
	fake "$(steps "$(greeting a 1)" "$(update a 1)" '{"end":true}')"
	run -3 --separate-stderr wssub --no-reconnect t
	[[ $output == 1 ]]
	[[ $stderr == "wssub: lost the connection to '$WSD_URL': it ended without a close frame" ]]
}

@test "close codes: which end it, and how" {
	while read -r code status text; do
		fake "$(steps "$(greeting a 1)" "{\"close\":$code,\"reason\":\"so\"}")"
		run "-$status" wssub t
		[[ $output == *"closed with $code ($text): so"* ]]
	done <<-END
		4003 4 forbidden
		4010 4 authentication required
		4011 4 authentication failed
		4001 5 bad request
		1009 5 message too big
	END
	for code in 1001 1011 4100 4108 4200; do
		fake "$(steps "$(greeting a 1)" "$(update a 1)" "{\"close\":$code}")" \
			"$(steps "$(greeting a 2)" "$(update a 2)")"
		run -0 --separate-stderr wssub -c 2 t
		[[ $output == $'1\n2' ]]
		[[ $stderr == *"closed with $code "*'; trying again in '* ]]
		((code != 4108)) || # its history is being trimmed
			[[ $stderr =~ 'in '([0-9]+)' ms' && ${BASH_REMATCH[1]} -le 250 ]]
	done
}

@test "an ERROR ends it: exit 4 without permission, else 5" {
	fake "$(steps "$(v1)" "$(welcome)" "$(wait_for SUBSCRIBE)" \
		"$(send '{"type":"ERROR","id":1,"code":"FORBIDDEN","message":"not yours"}')")"
	run -4 wssub t
	[[ $output == "wssub: cannot subscribe to 't': the server says FORBIDDEN: not yours" ]]
	fake "$(steps "$(v1)" "$(welcome)" "$(wait_for SUBSCRIBE)" \
		"$(send '{"type":"ERROR","id":1,"code":"TOO_MANY_SUBSCRIPTIONS","message":"x"}')")"
	run -5 wssub t
}

@test "a binary message is refused" {
	fake "$(steps "$(greeting a 1)" '{"binary":"x"}')"
	run -3 wssub t
	[[ $output == *'the server sent a binary message' ]]
}

# --- gaps

@test "a gap in the history is told; --strict ends it with 7" {
	server --history-count 2
	wspub t 1 2 3 4 5
	epoch=$(wssub --since 1 -e -c 1 t | jq -r .epoch)
	run -0 --separate-stderr wssub --since "$epoch:1" -c 2 t
	[[ $output == $'4\n5' ]]
	[[ $stderr == "wssub: gap in 't': updates 2 to 3 are lost (history)" ]]
	run -7 --separate-stderr wssub --strict --since "$epoch:1" -c 2 t
	[[ -z $output ]]
	run -0 --separate-stderr wssub -e --since "$epoch:1" -c 2 t
	[[ $(jq -r '.type' <<<"$output" | xargs) == 'GAP UPDATE UPDATE' ]]
}

@test "a restart of the server is a gap of unknown size" {
	server
	wspub t 1
	run -0 --separate-stderr wssub --since other.0:7 -c 1 t
	[[ $output == 1 ]]
	[[ $stderr == *"nobody knows how many updates are lost (restart)" ]]
	run -7 wssub --strict --since other.0:7 -c 1 t
}

@test "a connection that breaks before the GAP hides nothing" {
	fake "$(steps "$(greeting a 2)" "$(update a 2)" '{"end":true}')" \
		"$(steps "$(greeting b 1 false)" '{"end":true}')" \
		"$(steps "$(v1)" "$(welcome)" "$(wait_for '"since":{"epoch":"a","seq":2}')" \
			"$(subscribed b 1 false)" \
			"$(send '{"type":"GAP","tenantId":"t","epoch":"b","reason":"restart"}')" \
			"$(update b 1)")"
	run -0 --separate-stderr wssub -c 2 t
	[[ $output == $'2\n1' ]]
	[[ $stderr == *'(restart)' ]]
}

@test "what is missing without a GAP is told as one" {
	fake "$(steps "$(greeting a 1)" "$(update a 1)" "$(update a 4)")"
	run -0 --separate-stderr wssub -c 2 t
	[[ $stderr == *"updates 2 to 3 are lost (the server did not tell why)" ]]
}

# --- the state file

@test "--state: each run gets what came since the last one" {
	server
	wssub --state "$T/state" --idle 50ms t u
	wspub t 1 2
	wspub u 3
	run -0 wssub --state "$T/state" -c 3 t u
	[[ $(sort <<<"$output") == $'1\n2\n3' ]]
	run -0 wssub --state "$T/state" --idle 50ms t u
	[[ -z $output ]]
	wspub t 4
	[[ $(wssub --state "$T/state" -c 1 t) == 4 ]]
	jq -e --arg url "$url" '.urls[$url] | .t.seq == 3 and .u.seq == 1' "$T/state"
}

@test "--state: -c leaves the rest for the next run" {
	server
	wssub --state "$T/state" --idle 50ms t
	wspub t 1 2 3
	[[ $(wssub --state "$T/state" -c 2 t) == $'1\n2' ]]
	[[ $(wssub --state "$T/state" -c 1 t) == 3 ]]
}

@test "--state: never ahead of what is on stdout" {
	server --max-lag 64M
	wssub --state "$T/state" --idle 50ms t
	seq 20000 | jq -c '{n: ., fill: ("x" * 200)}' >"$T/in"
	wspub t -f "$T/in"
	[[ $(wc -l <"$T/in") == 20000 ]]
	mkfifo "$T/pipe"
	exec 6<>"$T/pipe"
	OUT=$T/pipe subscribe --state "$T/state" t
	# More than the pipe holds is on its way once the pipe is full.
	wspub t -f "$T/in"
	until (($(wc -c <"$T/state") > 30)); do again; done
	kill "$PID"
	ends 143
	exec 7<"$T/pipe" 6>&-
	cat <&7 >"$T/written"
	seq=$(jq --arg url "$url" '.urls[$url].t.seq' "$T/state")
	written=$(wc -l <"$T/written")
	echo "seq $seq, $written written"
	((written < 20000))
	((seq <= 20000 + written))
}

@test "--state: what is no state file, or in use, is refused" {
	echo '{"urls":[]}' >"$T/state"
	run -2 wssub --state "$T/state" t
	[[ $output == *"this is no state file: '$T/state'"* ]]
	[[ $(<"$T/state") == '{"urls":[]}' ]]
	for json in '{}' '{"name":"x"}' '{"urls":{}}'; do
		echo "$json" >"$T/state"
		run -2 wssub --state "$T/state" t
		[[ $output == *'it has no "version" and "urls"' ]]
		[[ $(<"$T/state") == "$json" ]]
	done
	mkfifo "$T/fifo"
	run -2 wssub --state "$T/fifo" t
	[[ $output == *"'$T/fifo': it is not a regular file" ]]
	[[ ! -e $T/fifo.lock ]]
	run -2 wssub --state "$T/none/state" t
	rm "$T/state"
	server
	subscribe --state "$T/state" t
	run -1 wssub --state "$T/state" t
	[[ $output == *'another process is using it' ]]
	wspub t 1
	ln -s /dev/full "$T/full.new"
	run -1 wssub --state "$T/full" --since all -c 1 t
	[[ $output == "1
wssub: cannot write '$T/full': No space left on device" ]]
}

# --- servers that do not speak wsd.v1

@test "a plain server: a warning, a SUBSCRIBE each, updates as they come" {
	fake "$(steps '{"accept":""}' "$(wait_for '"a"')" "$(wait_for '"b"')" \
		"$(send '{"x": 1}')" "$(send $'{\n"y":2}')" "$(send 'no JSON')")"
	run -0 --separate-stderr wssub -c 3 a b
	[[ $output == $'{"x": 1}\n{ "y":2}\nno JSON' ]]
	[[ $stderr == "wssub: '$WSD_URL' does not speak wsd.v1: gaps will not be noticed" ]]
	grep -qxF '1 {"type":"SUBSCRIBE","tenantId":"a"}' "$T/log"
	grep -qxF '1 {"type":"SUBSCRIBE","tenantId":"b"}' "$T/log"
}

@test "a server that accepts anything and greets nobody is plain too" {
	fake "$(steps "$(v1)" "$(send '{"x":1}')")"
	run -0 --separate-stderr wssub -c 1 a
	[[ $output == '{"x":1}' ]]
	[[ $stderr == *'does not speak wsd.v1'* ]]
}

@test "it is known by its answer to a ping, or else by 3 seconds of silence" {
	fake "$(steps "$(v1)")"
	run -124 --separate-stderr wssub -v -W 2500ms a
	[[ $stderr == *'does not speak wsd.v1'* && $stderr != *WELCOME* ]]
	fake "$(steps '{"accept":"wsd.v1","mute":true}')"
	run -124 --separate-stderr wssub -v -W 3500ms a
	[[ $stderr == *"waiting for WELCOME from '$WSD_URL'"*'does not speak wsd.v1'* ]]
}

@test "what needs wsd.v1 is exit 2 there" {
	for option in --strict -e '--since all' "--state $T/state"; do
		fake '{"accept":""}]'
		# shellcheck disable=SC2086 # words
		run -2 wssub $option t
		[[ $output == *"does not speak wsd.v1, which this needs" ]]
	done
}

# --- what failed, exactly

# says STATUS TEXT: wssub ends so, with this message behind its URL.
says() {
	run "-$1" wssub t
	[[ $output == "wssub: cannot connect to '$WSD_URL': $2" ]]
}

@test "the name, the port, the socket" {
	export WSD_URL=ws://name.invalid/ws
	says 3 "cannot resolve 'name.invalid': no such host"
	listening fakeserver '[[]]'
	kill "$PID"
	wait "$PID" || true
	for host in 127.0.0.1 localhost '[::1]'; do
		export WSD_URL=ws://$host:$PORT/ws
		says 3 'connection refused'
	done
	export WSD_URL=ws+unix:$T/none.sock
	says 3 'no such file or directory'
}

@test "the path, the permission, the server" {
	fake '{"status":404,"phrase":"Not Found","body":"nothing\nhere"}]'
	says 3 'the server has nothing at this path: 404 Not Found: nothing'
	fake '{"status":403,"phrase":"Forbidden","body":"see --origin"}]'
	says 4 'the server refused: 403 Forbidden: see --origin'
	fake '{"status":401,"phrase":"Unauthorized"}]'
	says 4 'the server asks for a token (--token-file, WSD_TOKEN): 401 Unauthorized'
	fake '{"status":200,"phrase":"OK","body":"<html>"}]'
	says 3 'this path is no WebSocket endpoint: 200 OK: <html>'
	fake '{"status":302,"phrase":"Found","headers":"Location: /there\r\n"}]'
	says 3 'the server points elsewhere: 302 Found'
	fake '{"status":503,"phrase":"Unavailable"}]'
	says 3 'the server cannot serve now: 503 Unavailable'
}

@test "what is no WebSocket server" {
	for answer in '{"raw":"SSH-2.0-x\r\n"}' '{"drop":true}' '{"raw":""}'; do
		fake "$answer]"
		says 3 'the server closed the connection without an answer: perhaps it is full, or no WebSocket server'
	done
	fake '{"drop":true}]'
	WSD_URL=wss://127.0.0.1:$PORT/ws run -3 wssub t
	[[ $output == *': the server ended the TLS handshake: perhaps it does not speak TLS (then it is ws://)' ]]
	upgrade='HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: '
	while read -r headers wrong; do
		fake "{\"raw\":\"$upgrade$headers\\r\\n\\r\\n\"}]"
		says 3 "the server's WebSocket handshake is wrong: $wrong"
	done <<-'END'
		websocket\r\nSec-WebSocket-Accept:x its Sec-WebSocket-Accept is wrong
		websocket it has no Sec-WebSocket-Accept
		h2\r\nSec-WebSocket-Accept:x its Upgrade is not to websocket
	END
	fake '{"accept":"other"}]'
	says 3 "the server's WebSocket handshake is wrong: it chose a subprotocol that was not offered"
}

@test "a Unix socket, and the Host header" {
	start_wsd --listen "unix:$T/wsd.sock"
	wspub -u "ws+unix:$T/wsd.sock:/ws" t 1
	run -0 wssub -u "ws+unix:$T/wsd.sock:/ws" --since all -c 1 t
	[[ $output == 1 ]]
	fake '{"status":404}]'
	WSD_URL="ws://localhost:$PORT/a/b?c=d" run -3 wssub t
	grep -qF "GET /a/b?c=d HTTP/1.1 |" "$T/log"
	grep -qF "| Host: localhost:$PORT |" "$T/log"
}
