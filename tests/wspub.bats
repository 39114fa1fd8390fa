#!/usr/bin/env bats
# What wspub sends, what it says, and how it ends.

load helper

bats_require_minimum_version 1.5.0

setup() {
	PATH=$BIN:$BATS_TEST_DIRNAME/tools:$PATH
	T=$BATS_TEST_TMPDIR
	started=()
}

teardown() {
	local pid

	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || continue
		wait "$pid" || true
	done
	[[ -z ${wsd-} ]] || stop_wsd
}

# A wsd that wspub finds by itself.
server() {
	start_wsd
	# shellcheck disable=SC2154 # set by start_wsd
	export WSD_URL=$url
}

# listening COMMAND...: starts a tool that prints "listening PORT"; sets PORT.
listening() {
	local fifo=$T/listening.${#started[@]}

	mkfifo "$fifo"
	"$@" >"$fifo" 3>&- &
	started+=("$!")
	read -r _ PORT <"$fifo"
}

welcome='{"send":"{\"type\":\"WELCOME\",\"connection\":\"1\",\"server\":\"wsd/0.1.0\",\"limits\":{\"message\":1000,\"frame\":2000}}"}'
accept='{"accept":"wsd.v1.bulk"},'$welcome

# An ACK of id $1, of run $2 of a server: a step of fakeserver.
ack() {
	printf '{"send":"{\\"type\\":\\"ACK\\",\\"id\\":%d,\\"tenantId\\":\\"t\\",\\"epoch\\":\\"%s.0\\",\\"seq\\":%d,\\"subscribers\\":0}"}' \
		"$1" "$2" "$1"
}

# An ERROR: $1 is `"id":5` or the like, $2 the code.
error() {
	printf '{"send":"{\\"type\\":\\"ERROR\\",%s,\\"code\\":\\"%s\\",\\"message\\":\\"no way\\"}"}' \
		"${1//\"/\\\"}" "$2"
}

wait_for() {
	printf '{"wait":"%s"}' "${1//\"/\\\"}"
}

# fake STEP...: a fakeserver that does these; ';' begins the next connection.
fake() {
	local script

	script=$(printf '%s,' "$@")
	script=${script//,;,/],[}
	listening fakeserver --log "$T/log" "[[${script%,}]]"
	export WSD_URL=ws://127.0.0.1:$PORT/ws
}

# The updates that the fake server got, each with its request around it.
published() {
	grep -o '{"type":"PUBLISH".*' "$T/log"
}

# A figure of the summary of the last run, from -J.
figure() {
	jq -r "$1" <<<"${lines[-1]}"
}

lines_of() {
	seq -f '{"n":%.0f}' "$1"
}

@test "arguments are documents, acknowledged" {
	server
	run -0 wspub -J t '{"a":1}' '[1,
2]' '"x"'
	[ "$(figure .acknowledged)" = 3 ]
	[ "$(figure .last.seq)" = 3 ]
	[ "$(figure .last.tenantId)" = t ]
}

@test "lines of stdin: CR LF, blank lines, the last without a newline" {
	fake "$accept" "$(wait_for '"id":3')" "$(ack 3 a)"
	printf '{"a":1.10}\r\n\n \t\n [ 2]\n3' | wspub t
	[ "$(published)" = '{"type":"PUBLISH","id":1,"tenantId":"t","data":{"a":1.10}}
{"type":"PUBLISH","id":2,"tenantId":"t","data":[ 2]}
{"type":"PUBLISH","id":3,"tenantId":"t","data":3}' ]
}

@test "arguments, then files in order, - for stdin and pipes among them" {
	fake "$accept" "$(wait_for '"id":5')" "$(ack 5 a)"
	echo '"one"' >"$T/one"
	echo '"stdin"' | wspub t '"argument"' -f "$T/one" -f - \
		-f <(echo '"pipe"') -f "$T/one"
	[ "$(published | jq -r .data | xargs)" = "argument one stdin pipe one" ]
}

@test "a file that is not there is said before anything is published" {
	server
	run -2 wspub t '{}' -f "$T/none"
	[[ $output == *"cannot open '$T/none': No such file"* ]]
	run -2 wspub t -f "$T"
	[[ $output == *"Is a directory"* ]]
	run -0 wspub -J t '{}'
	[ "$(figure .last.seq)" = 1 ]
}

@test "-s takes a document of many lines" {
	fake "$accept" "$(wait_for '"id":1')" "$(ack 1 a)"
	printf '{\n  "a": "x\\ny"\n}\n' | wspub -s t
	[ "$(published)" = '{"type":"PUBLISH","id":1,"tenantId":"t","data":{   "a": "x\ny" }}' ]
}

@test "-s with nothing, and with two documents, is invalid" {
	server
	run -5 wspub -s t </dev/null
	[[ $output == *"line 1, column 1: "* ]]
	run -5 wspub -s t <<<$'{\n}\n{}'
	[[ $output == *"line 3, column 1: "* ]]
}

@test "a bad line: where, what came before is published, nothing behind it" {
	server
	run -5 wspub -J t < <(printf '{"a":1}\n\n  {"a":tru}\n{"a":2}\n')
	[[ ${lines[0]} == "wspub: line 3, column 11: "* ]]
	[ "$(figure .acknowledged)" = 1 ]
	[ "$(figure .rejected)" = 1 ]
	[ "$(figure .updates)" = 2 ]
	echo nonsense >"$T/f"
	run -5 wspub t -f "$T/f"
	[[ ${lines[0]} == "wspub: $T/f: line 1, column "* ]]
	run -5 wspub t '{}' '{"a":
  x}'
	[[ ${lines[0]} == "wspub: argument 2, line 2, column 3: "* ]]
}

@test "what is not JSON" {
	server
	printf 'NaN\n{"a":1}{}\n\xef\xbb\xbf{}\n"\xff"\n"\\x"\n01\n"a\0b"\n[1,]\n' \
		>"$T/bad"
	echo '"good"' >>"$T/bad"
	run -5 wspub -J --on-error skip --rejects "$T/rejects" t -f "$T/bad"
	[ "$(figure .rejected)" = 8 ]
	[ "$(figure .acknowledged)" = 1 ]
	head -n 8 "$T/bad" | cmp - "$T/rejects"
}

@test "--rejects never empties a file that is read" {
	server
	echo '{' >"$T/bad"
	run -2 wspub --rejects "$T/bad" t -f "$T/bad"
	[ "$(cat "$T/bad")" = '{' ]
}

@test "--rejects keeps what was read, not what was made of it" {
	fake "$accept" "$(wait_for '"id":2')" "$(error '"id":1' FORBIDDEN)" \
		"$(ack 2 a)"
	printf '{"t":"x", "a":1}\n{"t":"y"}\n' >"$T/in"
	run -5 wspub --on-error skip --rejects "$T/rejects" --tenant-field t \
		-f "$T/in"
	[[ $output == *"$T/in: line 1: the server refuses: FORBIDDEN: no way"* ]]
	head -n 1 "$T/in" | cmp - "$T/rejects"
}

@test "--tenant-field takes out the member and no other byte" {
	fake "$accept" "$(wait_for '"id":5')" "$(ack 5 a)"
	cat >"$T/in" <<-'END'
		{"meta":{"tenantId":"a","n":1.10},"x":12345678901234567890}
		{ "x" : "\u0061" , "meta" : { "n":1, "tenantId" : "b" } }
		{"meta":{"tenantId":7}}
		{"meta":{"x":[{"tenantId":"no"}],"tenantId":"c" , "y":null}}
		{"meta":{"\u0074enantId":"\u0064","z":"tenantId"}}
	END
	wspub --tenant-field meta.tenantId -f "$T/in"
	[ "$(published)" = '{"type":"PUBLISH","id":1,"tenantId":"a","data":{"meta":{"n":1.10},"x":12345678901234567890}}
{"type":"PUBLISH","id":2,"tenantId":"b","data":{ "x" : "\u0061" , "meta" : { "n":1 } }}
{"type":"PUBLISH","id":3,"tenantId":"7","data":{"meta":{}}}
{"type":"PUBLISH","id":4,"tenantId":"c","data":{"meta":{"x":[{"tenantId":"no"}] , "y":null}}}
{"type":"PUBLISH","id":5,"tenantId":"d","data":{"meta":{"z":"tenantId"}}}' ]
}

@test "--tenant-field: lines without a tenant" {
	server
	run -5 wspub --on-error skip --tenant-field a.b <<-'END'
		{"a":{"c":1}}
		{"a":{"b":1.5}}
		{"a":{"b":"x y"}}
		{"a":{"b":"x","b":"y"}}
		[]
		{"a":{"b":"x"}
	END
	[[ ${lines[0]} == *"line 1, column 1: 'a.b' is missing" ]]
	[[ ${lines[1]} == *"line 2, column 11: 'a.b' is neither"* ]]
	[[ ${lines[2]} == *"line 3, column 11: 'a.b' is not a tenant id"* ]]
	[[ ${lines[3]} == *"line 4, column 15: 'a.b' is there twice" ]]
	[[ ${lines[4]} == *"line 5, column 1: not a JSON object" ]]
	[[ ${lines[5]} == *"line 6, column 15: "* ]]
}

@test "--raw-string sends lines of text" {
	fake "$accept" "$(wait_for '"id":2')" "$(ack 2 a)"
	run -5 wspub --raw-string --on-error skip t \
		< <(printf 'a "b"\t\\ \x1b[1m\xc3\xa9\n\nc\xe9\n{}')
	[[ $output == *"line 3, column 2: not valid UTF-8"* ]]
	[ "$(published)" = '{"type":"PUBLISH","id":1,"tenantId":"t","data":"a \"b\"\t\\ \u001b[1m'$'\xc3\xa9''"}
{"type":"PUBLISH","id":2,"tenantId":"t","data":"{}"}' ]
}

@test "--key-field: the same key is published once" {
	server
	run -0 wspub -J --key-field k t '{"k":"a"}' '{"k":"b"}' '{"k":"a"}'
	[ "$(figure .acknowledged)" = 3 ]
	[ "$(figure .duplicates,.last.duplicate | xargs)" = '1 true' ]
	run -0 wspub -J t '{}'
	[ "$(figure .last.seq)" = 3 ]
	[ "$(figure .duplicates,.last.duplicate | xargs)" = '0 null' ]
	run -0 wspub -v --window 1 --key-field k t '{"k":"a"}' '{"k":"b"}'
	[[ $output == *"acknowledged 2 (published before: at least 2)"* ]]
	run -5 wspub --key-field k t '{"x":"a"}'
	[[ $output == *"'k' is missing"* ]]
}

@test "the server's limits are checked here" {
	fake "$accept" "$(wait_for '"id":2')" "$(ack 2 a)"
	{
		printf '"%998d"\n' 1
		printf '"%999d"\n' 2
		printf '"%5000000d"\n' 3
		echo 4
	} >"$T/in"
	run -5 wspub --on-error skip t -f "$T/in"
	[[ ${lines[0]} == *"$T/in: line 2, column 1: too large"*1001\ bytes* ]]
	[[ ${lines[1]} == *"$T/in: line 3: longer than "* ]]
	[ "$(published | wc -l)" = 2 ]
	[ "$(published | tail -n 1 | jq .data)" = 4 ]
}

@test "what fits in no frame is refused, and the window has room again" {
	fake "${accept/\\\"frame\\\":2000/\\\"frame\\\":200}" \
		"$(wait_for '"id":2')" "$(ack 2 a)"
	printf '"%300d"\n2\n' 1 >"$T/in"
	run -5 wspub --window 1 --on-error skip t -f "$T/in"
	[[ $output == *"in: line 1: larger than a frame of the server may be" ]]
	[ "$(published | jq -c .data)" = 2 ]
}

@test "an ERROR is told with the line of the input" {
	fake "$accept" "$(wait_for '"id":3')" "$(error '"id":2' TOO_LARGE)" \
		"$(ack 3 a)"
	printf '1\n\n2\n3\n' >"$T/in"
	run -5 wspub -J t -f "$T/in"
	[[ ${lines[0]} == *"in: line 3: the server refuses: TOO_LARGE: no way" ]]
	[ "$(figure .acknowledged)" = 2 ]
}

@test "an ERROR for a line of a frame, too" {
	fake "$accept" "$(wait_for '"id":3')" \
		"$(error '"frame":1,"line":3' BAD_JSON)" "$(ack 3 a)"
	printf '1\n\n2\n3\n' >"$T/in"
	run -5 wspub t -f "$T/in"
	[[ ${lines[0]} == *"in: line 3: the server refuses: BAD_JSON: no way" ]]
}

@test "many lines go in one frame" {
	fake "$accept" "$(wait_for '"id":5000')" "$(ack 5000 a)"
	lines_of 5000 >"$T/in"
	wspub t -f "$T/in"
	[ "$(published | wc -l)" = 5000 ]
	[ "$(grep -c '^1 {"type"' "$T/log")" -lt 250 ]
}

@test "one line goes at once, while more could come" {
	server
	mkfifo "$T/fifo"
	exec 5<>"$T/fifo"
	echo 1 >&5
	wspub -c 1 t <&5
	exec 5>&-
}

@test "stdin is not made non-blocking" {
	server
	mkfifo "$T/fifo"
	exec 5<>"$T/fifo"
	echo 1 >&5
	before=$(grep flags: "/proc/$BASHPID/fdinfo/5")
	run -0 wspub -c 1 t <&5
	[ "$(grep flags: "/proc/$BASHPID/fdinfo/5")" = "$before" ]
	exec 5>&-
}

@test "-c ends early" {
	server
	run -0 wspub -J -c 3 t < <(lines_of 10)
	[ "$(figure .last.seq)" = 3 ]
}

@test "--rate keeps the pace" {
	server
	run -0 wspub -J --rate 100/s t < <(lines_of 40)
	[ "$(figure '.acknowledged == 40 and .seconds > 0.25')" = true ]
	run -0 wspub -J --rate 100000 t < <(lines_of 1000)
	[ "$(figure '.acknowledged == 1000 and .seconds < 5')" = true ]
}

@test "--window 1: one after the other" {
	server
	run -0 wspub -J --window 1 t < <(lines_of 300)
	[ "$(figure .last.seq)" = 300 ]
}

@test "--no-ack: arrives without being acknowledged" {
	server
	run -0 wspub -J --no-ack t < <(lines_of 30000)
	[ "$(figure .acknowledged)" = null ]
	run -0 wspub -J t 1
	[ "$(figure .last.seq)" = 30001 ]
}

# A subscriber in the background that writes $1 updates of t to $T/got.
subscribe() {
	mkfifo "$T/subscribed"
	wssub -c "$1" --ready-fd 4 t 4>"$T/subscribed" >"$T/got" 3>&- &
	SUBSCRIBER=$!
	started+=("$SUBSCRIBER")
	read -r _ <"$T/subscribed"
}

@test "a cut connection: nothing twice, nothing lost, in order" {
	server
	lines_of 50000 >"$T/in"
	subscribe 50000
	listening cutproxy --to "$(cut -d: -f3 <<<"${url%/ws}")" \
		'[{"up":400},{"up":70000,"down":500},{"up":1000003},{"up":1500000,"down":2000}]'
	run -0 wspub -J -u "ws://127.0.0.1:$PORT/ws" t -f "$T/in"
	[ "$(figure .reconnects)" = 4 ]
	[ "$(figure .acknowledged)" = 50000 ]
	run -0 wspub -J t 1
	[ "$(figure .last.seq)" = 50001 ]
	wait "$SUBSCRIBER"
	cmp "$T/in" "$T/got"
}

@test "after a restart of the server a warning says what may be there twice" {
	fake "$accept" "$(wait_for '"id":3')" "$(ack 1 a)" '{"end":true}' ';' \
		"$accept" "$(wait_for '"id":3')" "$(ack 3 b)"
	lines_of 3 >"$T/in"
	run -0 wspub t -f "$T/in"
	[[ $output == *"the server was restarted: "*"sent again (2)"* ]]
	[ "$(grep -c '^2 .*PRODUCER' "$T/log")" = 1 ]
	[ "$(published | grep -c '"id":1,')" = 1 ]
	[ "$(published | grep -c '"id":2,')" = 2 ]
}

@test "the same run of the server: no warning" {
	fake "$accept" "$(wait_for '"id":3')" "$(ack 1 a)" '{"end":true}' ';' \
		"$accept" "$(wait_for '"id":3')" "$(ack 3 a)"
	lines_of 3 >"$T/in"
	run -0 wspub t -f "$T/in"
	[[ $output != *restarted* ]]
}

@test "what a draining server refuses goes to the next one" {
	fake "$accept" "$(wait_for '"id":3')" "$(ack 1 a)" \
		"$(error '"id":2' DRAINING)" "$(error '"id":3' DRAINING)" \
		'{"close":4200,"reason":""}' ';' \
		"$accept" "$(wait_for '"id":3')" "$(ack 3 b)"
	lines_of 3 >"$T/in"
	run -0 wspub -J t -f "$T/in"
	[ "$(figure .acknowledged)" = 3 ]
	[ "$(figure .rejected)" = 0 ]
}

@test "--no-retry: exit 3, and what was not acknowledged" {
	fake "$accept" "$(wait_for '"id":3')" "$(ack 1 a)" '{"end":true}'
	printf '\n1\n2\n3\n' >"$T/in"
	run -3 wspub --no-retry t -f "$T/in"
	[[ $output == *"2 updates were not acknowledged, from $T/in: line 3 on"* ]]
}

@test "no server, and one that refuses" {
	run -3 wspub -u ws://127.0.0.1:1/ws t 1
	[[ $output == *"'ws://127.0.0.1:1/ws': connection refused"* ]]
	fake '{"status":403}'
	run -4 wspub t 1
}

@test "-W: the time is up" {
	fake "$accept"
	run -124 wspub -W 200ms t 1
	[[ ${lines[0]} == "wspub: time is up after 200 ms; the server has not acknowledged all" ]]
	[[ ${lines[1]} == *"1 update was not acknowledged, from argument 1 on" ]]
	fake '{"hang":true}'
	run -124 wspub -W 50ms t 1
	[[ ${lines[0]} == *"timed out after 50 ms: the server does not answer"* ]]
	[[ ${lines[1]} == 'wspub: nothing was published' ]]
}

@test "what was not read is told" {
	server
	lines_of 1000 >"$T/in"
	run -124 wspub --rate 100/s -W 300ms t -f "$T/in"
	[[ ${lines[0]} == 'wspub: time is up after 300 ms'* ]]
	[[ $output == *"what follows $T/in: line "*" was not read, and not published" ]]
	run -3 wspub -u ws://127.0.0.1:1/ws t -f "$T/in"
	[[ $output == *'nothing was published' ]]
	run -0 wspub -c 1 t -f "$T/in"
	[[ -z $output ]]
}

@test "a signal ends it by that signal" {
	fake "$accept" "$(wait_for '"id":1')" "$(ack 1 a)" '{"hang":true}'
	mkfifo "$T/fifo"
	exec 5<>"$T/fifo"
	echo 1 >&5
	wspub -v t <&5 3>&- &
	PID=$!
	until grep -q '"id":1' "$T/log"; do
		kill -0 "$PID"
		again
	done
	kill -TERM "$PID"
	wait "$PID" || status=$?
	[ "$status" = 143 ]
	exec 5>&-
}

@test "a plain server: a warning, one update a frame" {
	fake '{"accept":""}'
	run -0 wspub -J t 1 '{"a":2}'
	[[ $output == *"does not speak wsd.v1: publishing without ack"* ]]
	[ "$(figure .acknowledged)" = null ]
	[ "$(published)" = '{"type":"PUBLISH","tenantId":"t","data":1}
{"type":"PUBLISH","tenantId":"t","data":{"a":2}}' ]
	run -0 wspub --no-ack t 1
	[ "$output" = "" ]
}

@test "a plain server: what it can't do is exit 2 if it was asked for" {
	fake '{"accept":""}'
	run -2 wspub --ack t 1
	run -2 wspub --key-field k t '{"k":1}'
	run ! published
}

# strict [OPTION...]: a strictserver; what it got is then in $T/strict.
strict() {
	listening node "$BATS_TEST_DIRNAME/tools/strictserver.mjs" "$@" \
		"$T/strict"
}

# What wspub makes of a plain server's updates, a line each.
requests() {
	sed 's/.*/{"type":"PUBLISH","tenantId":"t","data":&}/'
}

# A flood, with more than a socket takes, to a strict server at $1.
flood() {
	printf '"%060000d"\n' {1..600} >"$T/in"
	SSL_CERT_FILE=$T/cert wspub --no-ack -u "$1" t -f "$T/in"
	wait "${started[-1]}"
	requests <"$T/in" | cmp - "$T/strict"
	[ "$(jq '.close == 1000 and .pongs == 3 and .keys >= .frames - 1' "$T/strict.json")" = \
		true ]
}

@test "frames are masked, each with a key of its own, at every width of a length" {
	strict
	request=$(requests <<<'""')
	for size in 60 125 126 127 65535 65536 100000; do
		printf '"%*s"\n' $((size - ${#request})) ''
	done >"$T/in"
	wspub --no-ack -u "ws://127.0.0.1:$PORT/ws" t -f "$T/in"
	wait "${started[-1]}"
	[ "$(jq -c .sizes "$T/strict.json")" = \
		'[60,125,126,127,65535,65536,100000]' ]
	[ "$(jq '.close == 1000 and .keys == .frames' "$T/strict.json")" = true ]
	requests <"$T/in" | cmp - "$T/strict"
}

@test "a flood: PINGs are answered between its frames" {
	strict
	flood "ws://127.0.0.1:$PORT/ws"
}

@test "a flood over TLS" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$T/key" -out "$T/cert"
	strict --tls "$T/key" "$T/cert"
	flood "wss://localhost:$PORT/ws"
}

@test "--progress, forced; not otherwise" {
	server
	run -0 wspub --progress t < <(lines_of 1000)
	[[ $output == "wspub: 1000 updates, "*"1000 acknowledged, "* ]]
	run -0 wspub t < <(lines_of 1000)
	[ "$output" = "" ]
}

@test "progress on a terminal is one line, which messages do not hit" {
	server
	mkfifo "$T/fifo"
	exec 5<>"$T/fifo"
	lines_of 150 >"$T/in"
	echo bad >>"$T/in"
	run -5 script -qec "wspub --rate 100/s t -f $T/in" /dev/null
	[[ $output == *$'\rwspub: '*" updates, "*$'\e[K'* ]]
	[[ $output == *$'\r\e[Kwspub: '*"line 151, column 1: "* ]]
	exec 5>&-
}

@test "-v and -J sum up" {
	server
	run -0 wspub -v t 1 2
	[[ $output == *"wspub: 2 updates, "*"; acknowledged 2" ]]
	run -0 --separate-stderr wspub -J t 1
	[ "$(jq -c 'keys' <<<"$output")" = '["acknowledged","bytes","duplicates","last","reconnects","rejected","seconds","unacknowledged","updates"]' ]
	# shellcheck disable=SC2154 # set by run
	[ "$stderr" = "" ]
	run -1 bash -c 'wspub -J t 1 >/dev/full'
	[[ $output == 'wspub: cannot write to stdout: No space left on device' ]]
}

@test "usage" {
	run -2 wspub
	run -2 wspub 'a b' 1
	[[ $output == *"'a b' is not a tenant id"* ]]
	run -2 wspub .. 1
	[[ $output == *'; not . or ..)'* ]]
	run -2 wspub t -
	[[ $output == *"'-' is no JSON; standard input is -f -"* ]]
	run -2 wspub --tenant-field t tenant-1 '{"t":"a"}'
	[[ $output == *"'tenant-1' is no JSON: with --tenant-field all operands"* ]]
	run -2 wspub --ack --no-ack t 1
	run -2 wspub --tenant-field a..b
	run -2 wspub --tenant-field a --raw-string
	run -2 wspub -s t 1
	run -2 wspub -u nonsense t 1
}
