#!/usr/bin/env bats
# The tokens of wssub, wspub and redis2ws: where they come from, what becomes of
# who is refused, and how one takes the place of another.
# shellcheck disable=SC2154,SC2153 # what start_wsd, listening and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis
load bridge
load streams

setup() {
	umask 077
	PATH=$BIN:$BATS_TEST_DIRNAME/tools:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
	cd "$T" || return
	wstoken keygen key
	wstoken keygen other
}

# token [OPTION...]: prints one of ten minutes, unless an option says else.
token() {
	wstoken make --key key --for 10m "$@"
}

# guarded: a wsd that asks for tokens, which the tools find.
guarded() {
	start_wsd --jwt-key key
	export WSD_URL=$url
}

# fake STEPS...: a fakeserver, with the steps of each connection.
fake() {
	local IFS=,

	listening fakeserver --log log "[${*/#/[}]"
	export WSD_URL=ws://127.0.0.1:$PORT/ws
}

# says STATUS TEXT COMMAND...: how it ends, and what it says then.
says() {
	run "-$1" timeout 30 "${@:3}"
	[[ $output == *"$2" ]]
}

# watching OPTION...: a wssub in the background, once it has subscribed; line()
# reads what it says.
watching() {
	rm -f ready err
	mkfifo ready err
	exec 7<>ready 9<>err
	start wssub --ready-fd 7 "$@" >out 2>err
	watcher=$PID
	read -r -t 20 _ <&7
	exec 7<&-
}

# line PATTERN: reads what it says up to a line that matches.
line() {
	local text

	while IFS= read -r -t 20 text <&9; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $text != $1 ]] || return 0
		echo "said: $text"
	done
	return 1
}

# watcher_ends STATUS
watcher_ends() {
	local status=0

	wait "$watcher" || status=$?
	((status == $1)) && return
	echo "it ended with status $status"
	return 1
}

# --- Where it comes from ---

@test "the token is one of the environment, of a file, or there is none" {
	guarded
	says 4 'AUTH_REQUIRED: a token has to be shown first (--token-file, WSD_TOKEN)' wssub acme
	says 4 'AUTH_REQUIRED: a token has to be shown first (--token-file, WSD_TOKEN)
wspub: 1 update was not acknowledged, from argument 1 on' wspub acme 1
	WSD_TOKEN=$(wstoken make --key key --publish acme --for 10m) wspub acme 1
	[[ $(WSD_TOKEN=$(wstoken make --key key --subscribe acme --for 10m) \
		wssub --since all -c 1 acme) == 1 ]]
	token --publish acme >file
	echo '{"token-file": "file"}' >config
	wspub --token-file file acme 2
	wspub --config config acme 3
	wspub --token-file <(token --publish acme) acme 4
	WSD_TOKEN=bad wspub --token-file file acme 5
}

@test "a file that is no good is refused before anything is connected" {
	export WSD_URL=ws://127.0.0.1:1/ws
	while IFS='|' read -r mode content why; do
		printf '%b' "$content" >file
		chmod "$mode" file
		for tool in 'wssub t' 'wspub t 1' 'redis2ws --channel c'; do
			# shellcheck disable=SC2086 # two words
			run -2 ${tool/ / --token-file file }
			[[ ${lines[0]} == "${tool%% *}: --token-file: 'file': $why" ]]
		done
		chmod 600 file
	done <<-'END'
		644|x|others can read it: its mode is 0644
		600||it is empty
		600|a b|this is no token: it has a blank, or what is not printable ASCII
		600|a\r\nX-Header: b|this is no token: it has a blank, or what is not printable ASCII
	END
	head -c 16385 /dev/zero | tr '\0' x >file
	run -2 wssub --token-file file t
	[[ ${lines[0]} == "wssub: --token-file: 'file': a token is at most 16384 bytes" ]]
	WSD_TOKEN='a b' run -2 wssub t
	[[ ${lines[0]} == 'wssub: WSD_TOKEN: this is no token: it has a blank, or what is not printable ASCII' ]]
	run -2 wssub --token-file "$(token)" t
	[[ $output != *ey* ]]
}

@test "no message and no process list has it" {
	fake '{"status":401,"phrase":"No"}]'
	export WSD_TOKEN=TheSecretItself
	run -4 wssub -vvv t
	[[ $output != *TheSecret* ]]
	grep -q '| Authorization: Bearer TheSecretItself' log
	rm log
	fake '{"accept":"wsd.v1"},{"send":"{\"type\":\"WELCOME\"}"}]'
	start wssub t
	until grep -qs TheSecret log; do again; done
	tr '\0' '\n' <"/proc/$PID/environ" >environ
	run -1 grep TheSecret environ
}

@test "the largest token goes out whole" {
	fake '{"status":401,"phrase":"No"}]'
	head -c 16384 /dev/zero | tr '\0' x >file
	says 4 'No' wssub --token-file file t
	grep -q "Bearer $(<file)" log
}

@test "who can be overheard is warned" {
	fake '{"accept":""}]'
	export WSD_TOKEN=t0ken
	run -124 wssub -W 300ms t
	[[ $output != *'clear text'* ]]
	WSD_URL=ws://0.0.0.0:$PORT/ws run -124 wssub -W 300ms t
	[[ $output == *"wssub: the token goes to 'ws://0.0.0.0:$PORT/ws' as clear text, which others on the way can read: use a wss URL"* ]]
	WSD_URL=ws://0.0.0.0:$PORT/ws run -124 wssub -q -W 300ms t
	[[ $output != *'clear text'* ]]
}

@test "a server that knows of no tokens is shown one in vain" {
	fake '{"accept":""},{"wait":"SUBSCRIBE"},{"send":"1"}]'
	WSD_TOKEN=t0ken run -0 wssub -q -c 1 t
	[[ $output == 1 ]]
	grep -q 'Authorization: Bearer t0ken' log
}

# --- Who is refused ---

@test "a bad token, and one without the right" {
	guarded
	token --key other --subscribe acme --publish acme >bad
	for tool in 'wssub acme' 'wspub acme 1'; do
		# shellcheck disable=SC2086 # two words
		says 4 "$(printf '%s: cannot connect to '\''%s'\'': the server does not take this token: 401 Unauthorized: {"error":{"code":"AUTH_FAILED","message":"the token is not good"}}' "${tool%% *}" "$url")$([[ $tool != wspub* ]] || printf '\nwspub: nothing was published')" \
			${tool/ / --token-file bad }
	done
	token --subscribe acme --publish acme >one
	says 4 "cannot subscribe to 'b': the server says FORBIDDEN: the token gives no right to subscribe to this" \
		wssub --token-file one acme b
	says 4 'argument 1: the server refuses: FORBIDDEN: the token gives no right to publish to this' \
		wspub --token-file one b 1
}

@test "of several tenants one that is forbidden is like any other document" {
	guarded
	token --publish acme >one
	printf '{"t":"acme","n":1}\n{"t":"b","n":2}\n{"t":"acme","n":3}\n' >in
	run -5 wspub --token-file one --tenant-field t --on-error skip \
		--rejects rejects -f in
	[[ $output == 'wspub: in: line 2: the server refuses: FORBIDDEN: the token gives no right to publish to this' ]]
	[[ $(<rejects) == '{"t":"b","n":2}' ]]
	token --subscribe '*' >two
	[[ $(wssub --token-file two --since all -c 2 acme) == $'{"n":1}\n{"n":3}' ]]
	# All of it, for want of a token:
	run -4 wspub --tenant-field t --on-error skip -f in
	[[ ${lines[0]} == *AUTH_REQUIRED* ]]
}

@test "without a token much input ends the same way" {
	guarded
	seq 200000 >in
	run -4 timeout 30 wspub acme -f in
	[[ ${lines[0]} == *AUTH_REQUIRED* ]]
	run -4 timeout 30 wspub --no-ack acme -f in
	[[ $output == *AUTH_REQUIRED* ]]
	head -c 200000 /dev/zero | tr '\0' 7 >in
	run -4 timeout 30 wspub -s acme -f in
	[[ ${lines[0]} == *AUTH_REQUIRED* ]]
}

@test "who was let in before and is not any more" {
	local greeting='{"accept":"wsd.v1"},{"send":"{\"type\":\"WELCOME\"}"}'

	echo one >file
	while IFS='|' read -r steps status text; do
		fake "$greeting,{\"end\":true}]" "$steps]"
		says "$status" "$text" wssub --token-file file t
	done <<-'END'
		{"status":401,"phrase":"No"}|4|the server does not take this token: 401 No
		{"status":403,"phrase":"No"}|4|the server refused: 403 No
		{"status":404,"phrase":"No"}|3|the server has nothing at this path: 404 No
	END
	# 429 passes, so it comes back.
	fake "$greeting,{\"end\":true}]" '{"status":429,"phrase":"No"}]' \
		'{"accept":""},{"send":"1"}]'
	run -0 timeout 30 wssub --token-file file -c 1 t
	[[ $output == *'fewer requests: 429 No; trying again in '*$'\n1' ]]
	# But not when it was never let in.
	fake '{"status":429,"phrase":"No"}]'
	says 3 'fewer requests: 429 No' wssub --token-file file t
}

@test "a token that was exchanged while the old one was refused is shown" {
	guarded
	wstoken keygen a && wstoken keygen b
	wstoken hash --name one --subscribe t --publish t <a >list
	wstoken hash --name two --subscribe t --publish t <b >>list
	stop_wsd
	start_wsd --tokens list
	export WSD_URL=$url
	cp a file
	watching -v --token-file file t
	cp b file
	sed -i 1d list
	kill -HUP "$wsd"
	line '*closed with 4011 (authentication failed): the token was taken back; trying again in*'
	line '*connected to*'
	line '*subscribed to*'
	wspub --token-file b t 7
	until [[ $(<out) == 7 ]]; do again; done
	: >list
	kill -HUP "$wsd"
	line '*closed with 4011 (authentication failed): the token was taken back'
	watcher_ends 4
}

# --- Its end ---

@test "a token that ends and has no other" {
	guarded
	WSD_TOKEN=$(token --subscribe t --for 2s) run -4 wssub t
	[[ ${lines[0]} == 'wssub: the token expires at 20'*Z ]]
	[[ ${lines[1]} == "wssub: cannot connect to '$url': the token has expired" ]]
	((${#lines[@]} == 2))
	token --subscribe t --for 2s >file
	run -4 wssub --token-file file t
	[[ ${lines[0]} == *"; 'file' has no other" ]]
	[[ ${lines[1]} == *'closed with 4212 (token expired): the token has expired; trying again in '* ]]
	[[ ${lines[2]} == "wssub: cannot connect to '$url': the token has expired, and 'file' still has it" ]]
	token --publish t --for 2s >file
	mkfifo pipe
	exec 7<>pipe
	run -4 wspub --token-file file t -f pipe
	[[ $output == *"the token has expired, and 'file' still has it"* ]]
}

@test "a token that is exchanged in time is replaced in place" {
	guarded
	token --subscribe t --for 3s >file
	cp file old
	watching -v -c 3 --token-file file t
	token --publish t >mine
	wspub --token-file mine t 1
	token --subscribe t >new
	mv new file
	# The old one ends now.
	run -4 wssub --token-file old t
	wspub --token-file mine t 2 3
	watcher_ends 0
	[[ $(<out) == $'1\n2\n3' ]]
	line '*reconnects 0'
}

@test "one that is exchanged late is shown after a reconnect, and nothing is missing" {
	guarded
	token --subscribe t --for 3s >file
	token --publish t >mine
	watching -v -c 3 --token-file file t
	wspub --token-file mine t 1
	line "*the token expires at *Z; 'file' has no other"
	token --subscribe t >new
	mv new file
	line '*closed with 4212*trying again*'
	wspub --token-file mine t 2 3
	watcher_ends 0
	[[ $(<out) == $'1\n2\n3' ]]
	line '*gaps 0 *reconnects 1'
}

@test "a publisher goes on with another token, and publishes nothing twice" {
	guarded
	token --publish t --for 3s >file
	mkfifo err
	exec 9<>err
	seq 500 >in
	start wspub -v -J --rate 100/s --token-file file t -f in >sum 2>err
	publisher=$PID
	line "*the token expires at *Z; 'file' has no other"
	token --publish t >new
	mv new file
	line '*closed with 4212*trying again*'
	wait "$publisher"
	[[ $(jq -c '[.acknowledged, .rejected, .reconnects]' sum) == '[500,0,1]' ]]
	wssub --token-file <(token --subscribe t) --since all -c 500 t | cmp - in
}

@test "a new token that is not taken: the old one counts to its end" {
	local greeting='{"accept":"wsd.v1"},{"send":"{\"type\":\"WELCOME\"}"},{"wait":"SUBSCRIBE"}'
	local subscribed='{"send":"{\"type\":\"SUBSCRIBED\",\"id\":1,\"tenantId\":\"t\",\"epoch\":\"a\",\"next\":1}"}'
	local expiring='{"send":"{\"type\":\"EXPIRING\",\"expires\":\"2026-01-01T00:00:00.000Z\",\"inMs\":9}"}'
	local error='{"send":"{\"type\":\"ERROR\",\"id\":9007199254740991,\"code\":\"AUTH_FAILED\"}"}'

	fake "$greeting,$subscribed,{\"until\":\"$T/exchanged\"},$expiring,{\"wait\":\"{\\\"type\\\":\\\"AUTH\\\",\\\"id\\\":9007199254740991,\\\"token\\\":\\\"two\\\"}\"},$error,{\"close\":4212}]" \
		'{"status":401,"phrase":"No"}]'
	echo one >file
	watching --token-file file t
	echo two >file
	touch exchanged
	line "*'$WSD_URL' does not take the new token (AUTH_FAILED): the old one counts until it expires"
	line '*closed with 4212*trying again*'
	line '*the server does not take this token: 401 No'
	watcher_ends 4
}

# --- redis2ws ---

@test "redis2ws: no token, a bad one" {
	both --jwt-key key
	run -4 timeout 30 redis2ws --channel c
	[[ $output == *AUTH_REQUIRED* || $output == *'closed with 4010'* ]]
	token --key other --publish '*' >bad
	says 4 'the server does not take this token: 401 Unauthorized: {"error":{"code":"AUTH_FAILED","message":"the token is not good"}}' \
		redis2ws --token-file bad --channel c
	WSD_TOKEN=$(token --publish t) bridge --channel c -c 1
	cli publish c '{"tenantId":"t"}'
	bridge_ends 0
}

@test "redis2ws: what is forbidden of a channel is refused" {
	both --jwt-key key
	token --publish t >file
	bridge --token-file file --channel c --rejects rejects -J -c 1
	cli publish c '{"tenantId":"b","n":1}'
	cli publish c '{"tenantId":"t","n":2}'
	bridge_ends 0
	[[ $(jq -r .reason rejects) == 'the server refuses: FORBIDDEN: the token gives no right to publish to this' ]]
	[[ $(figure rejected) == 1 ]]
}

@test "redis2ws: what is forbidden of a stream waits in Redis until it is not" {
	both --jwt-key key
	token --publish t --subscribe '*' >file
	jobs --token-file file
	add 1 3 b
	add 1 3 t
	said "redis2ws: cannot publish to 'b': the server refuses: FORBIDDEN: the token gives no right to publish to this; what is for it stays in Redis and is tried again until it is taken"
	until_pending 3
	WSD_TOKEN=$(<file) arrived 3 t
	# It is there for who comes next.
	kill "$bridge"
	bridge_ends 143
	[[ $(pending) == 3 ]]
	jobs --token-file file
	add 4 5 b
	said "redis2ws: cannot publish to 'b'*"
	token --publish '*' --subscribe '*' >new
	mv new file
	until_pending 0
	WSD_TOKEN=$(<file) arrived 5 b
}

@test "redis2ws: the same token may allow more later" {
	wstoken keygen a
	wstoken hash --name one --publish t <a >list
	both --tokens list
	WSD_TOKEN=$(<a) jobs
	add 1 3 b
	said "redis2ws: cannot publish to 'b'*"
	wstoken hash --name one --publish t --publish b --subscribe b <a >list
	kill -HUP "$wsd"
	until_pending 0
	WSD_TOKEN=$(<a) arrived 3 b
}

@test "redis2ws: a server that does not take the token any more is waited for" {
	start_wsd --listen "unix:$T/wsd.sock" --jwt-key key
	export WSD_URL=$url
	start_redis
	token --publish t >file
	jobs --token-file file
	add 1 1
	until_pending 0
	stop_wsd
	add 2 3
	start_wsd --listen "unix:$T/wsd.sock" --jwt-key other
	said "*the server does not take this token: 401 Unauthorized*; trying again in *"
	add 4 4
	wstoken make --key other --publish t --subscribe t --for 10m >new
	mv new file
	until_pending 0
	[[ $(WSD_TOKEN=$(<file) wssub --since all -c 3 t | jq .n) == $'2\n3\n4' ]]
}

@test "redis2ws: a token that has expired is waited for, and nothing is lost" {
	both --jwt-key key
	token --publish t --for 2s >file
	jobs --token-file file
	add 1 1
	said "*closed with 4212 (token expired)*"
	said "*the token has expired, and 'file' still has it; trying again in *"
	add 2 3
	token --publish t --subscribe t >new
	mv new file
	until_pending 0
	WSD_TOKEN=$(<file) arrived 3
	kill "$bridge"
	bridge_ends 143
	# One that stays the same is not waited for.
	cli del jobs
	WSD_TOKEN=$(token --publish t --for 2s) jobs
	said "*the token has expired"
	bridge_ends 4
}
