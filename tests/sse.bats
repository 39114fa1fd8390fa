#!/usr/bin/env bats
# Following a tenant without WebSocket: server-sent events, and lines.
# shellcheck disable=SC2154,SC2030,SC2031 # what start_wsd sets; each in its test

bats_require_minimum_version 1.5.0
load helper
load http
load nginx

sse='Accept: text/event-stream'
as_lines='Accept: application/x-ndjson'

setup() {
	T=$BATS_TEST_TMPDIR
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
	updates=/v1/tenants/t/updates
}

# publish TEXT: a line each.
publish() {
	get 200 "${ndjson[@]}" --data-binary "$1" "$http$updates"
}

# follow NAME [CURL ARGUMENT...]: in the background; what comes is read from
# descriptor `NAME`, by expect.
follow() {
	local name=$1

	mkfifo "$T/$name"
	exec {fd}<>"$T/$name"
	eval "$name=$fd"
	start curl -sN "${@:2}" >"$T/$name" {fd}<&-
}

# next NAME LINE: that is what comes next.
next() {
	local fd=${!1} line

	IFS= read -r -t 20 line <&"$fd"
	line=${line%$'\r'}
	echo "$1: $line"
	# shellcheck disable=SC2053 # it is a pattern
	[[ $line == $2 ]]
}

# until NAME LINE: it comes, sooner or later.
until_line() {
	local fd=${!1} line

	while IFS= read -r -t 20 line <&"$fd"; do
		echo "$1: $line"
		# shellcheck disable=SC2053 # it is a pattern
		[[ ${line%$'\r'} == $2 ]] && return
	done
	return 1
}

# metric NAME: its value.
metric() {
	curl -s "${auth[@]}" "$http/metrics" | awk -v name="$1" \
		'$1 == name { print $2 }'
}
auth=()

# settles NAME VALUE: has it soon.
settles() {
	for _ in {1..500}; do
		[[ $(metric "$1") != "$2" ]] || return 0
		read -r -t 0.02 <> <(:) || true
	done
	echo "$1 is $(metric "$1"), not $2"
	return 1
}

# Whether what was due is accounted for.
adds_up() {
	curl -s "$http/metrics" | awk '
		/^wsd_deliveries_due_total / { due = $2 }
		/^wsd_deliveries_delivered_total / { sum += $2 }
		/^wsd_deliveries_dropped_total/ { sum += $2 }
		/^wsd_deliveries_pending / { sum += $2 }
		END { print due, sum; exit due == 0 || due != sum }'
}

@test "events begin with a head, and come as they are published" {
	start_wsd
	publish $'{"n":1}\n{"n":2}'
	epoch=$(jq -r .epoch "$body")
	follow a -i -H "$sse" "$http$updates?since=1"
	next a 'HTTP/1.1 200 OK'
	until_line a 'Content-Type: text/event-stream'
	until_line a 'X-Accel-Buffering: no'
	until_line a 'Connection: close'
	next a ''
	next a 'retry: +([0-9])'
	next a "id: $epoch:1"
	next a ''
	next a "id: $epoch:2"
	next a 'data: {"n":2}'
	next a ''
	publish '{"n": 3 }'
	next a "id: $epoch:3"
	next a 'data: {"n": 3 }'
	next a ''
	get 200 "$http/v1/connections"
	says '.connections | length == 1 and .[0].dialect == "sse" and
		.[0].subscriptions[0].tenantId == "t"'
	[[ $(metric 'wsd_connections{dialect="sse"}') == 1 ]]
	adds_up
	kill "$PID"
	settles 'wsd_connections{dialect="sse"}' 0
	adds_up
}

@test "lines are what was published, and jq reads them as they come" {
	start_wsd
	publish $'{"n":1}\n{"n":2}'
	follow bare -H "$as_lines" "$http$updates?since=all"
	next bare '{"n":1}'
	next bare '{"n":2}'
	follow full -H "$as_lines" "$http$updates?since=all&envelope=1"
	next full '{"type":"SUBSCRIBED",*"next":1,"replayed":2,"recovered":true}'
	next full '{"type":"UPDATE",*"seq":1,*"data":{"n":1}}'
	next full '{"type":"UPDATE",*"seq":2,*"data":{"n":2}}'
	mkfifo filtered
	exec {jq}<>filtered
	# shellcheck disable=SC2016 # they are bash's
	start bash -c 'curl -sN -H "$1" "$2" | jq --unbuffered .n' _ \
		"$as_lines" "$http$updates?since=1" >filtered {jq}<&-
	next jq 2
	publish '{"n":3}'
	next bare '{"n":3}'
	next full '*"data":{"n":3}}'
	next jq 3
	[[ $(metric 'wsd_connections{dialect="ndjson"}') == 3 ]]
	adds_up
}

@test "what else is asked for is told, without a stream" {
	start_wsd
	refused 406 NOT_ACCEPTABLE "$http$updates"
	refused 406 NOT_ACCEPTABLE -H 'Accept: application/json' "$http$updates"
	refused 406 NOT_ACCEPTABLE -H "$sse" "$http$updates?envelope=1"
	refused 400 BAD_REQUEST -H "$sse" -H 'Last-Event-ID: 7' "$http$updates"
	refused 400 BAD_REQUEST -H "$sse" "$http$updates?since=yesterday"
	refused 400 BAD_REQUEST -H "$sse" "$http$updates?from=1"
	refused 400 BAD_TENANT -H "$sse" "$http/v1/tenants/a%20b/updates"
	refused 410 GONE -H "$as_lines" "$http$updates?since=other.0:7"
	long=$(printf '%0600d' 0)
	refused 431 HEADER_TOO_LARGE -H "$sse,$long" "$http$updates"
	refused 431 HEADER_TOO_LARGE -H "$sse" -H "Last-Event-ID: $long" "$http$updates"
	# Of no concern to who does not follow.
	get 200 -H "$sse,$long" "$http/metrics"
	get 200 -H "$sse,$long" -d 1 "$http$updates"
	get 200 -I -H "$sse" "$http$updates"
	grep -q '^Content-Type: text/event-stream' "$body"
	run ! grep -qi '^Content-Length' "$body"
	[[ $(metric wsd_subscriptions) == 0 ]]
}

@test "HTTP/1.0 gets the same" {
	start_wsd
	publish 1
	follow old -0 -H "$as_lines" "$http$updates?since=all"
	next old 1
	publish 2
	next old 2
}

@test "an EventSource that comes back misses nothing and gets nothing twice" {
	start_wsd --history-count 100000
	start node "$BATS_TEST_DIRNAME/tools/events.mjs" "$http$updates" 3000 \
		>seen 2>opened
	client=$PID
	settles 'wsd_connections{dialect="sse"}' 1
	for i in {1..30}; do
		numbered 100 | jq -c ".n += $((i - 1)) * 100" >many
		publish @many
		[[ $i != @(10|20) ]] || kill -USR2 "$client"
	done
	wait "$client"
	[[ $(grep -c open opened) -ge 2 ]]
	awk '{ print $3 }' seen | jq .n >numbers
	seq 3000 | diff - numbers
}

@test "it comes back before its first event, and misses nothing" {
	start_wsd
	start node "$BATS_TEST_DIRNAME/tools/events.mjs" "$http$updates" 1 \
		>seen 2>opened
	client=$PID
	settles 'wsd_connections{dialect="sse"}' 1
	kill -USR2 "$client"
	settles 'wsd_connections{dialect="sse"}' 0
	publish '{"n":1}'
	wait "$client"
	[[ $(<seen) == 'message '*':1 {"n":1}' ]]
}

@test "what is not there any more is a gap" {
	start_wsd --history-count 2
	publish $'1\n2\n3\n4'
	epoch=$(jq -r .epoch "$body")
	follow a -H "$sse" -H "Last-Event-ID: $epoch:1" "$http$updates?since=all"
	next a 'retry: *'
	next a ''
	next a "id: $epoch:2"
	next a 'event: gap'
	next a 'data: {"type":"GAP",*"from":2,"to":2,"reason":"history"}'
	next a ''
	next a "id: $epoch:3"
	next a 'data: 3'
	follow b -H "$sse" -H "Last-Event-ID: other.0:1" "$http$updates"
	until_line b 'event: gap'
	next b '*"reason":"restart"}'
	adds_up
}

@test "who reads too slowly is closed, and others are not" {
	start_wsd --max-lag 100k --sndbuf 4096
	follow good -H "$as_lines" "$http$updates"
	mkfifo stuck
	exec {stuck}<>stuck # full after 64 KiB
	start curl -sN -H "$sse" "$http$updates" >stuck {stuck}<&-
	settles 'wsd_connections{dialect="sse"}' 1
	settles 'wsd_connections{dialect="ndjson"}' 1
	numbered 200 >many
	for _ in {1..200}; do
		publish @many
		for _ in {1..200}; do
			IFS= read -r -t 20 line <&"$good"
		done
		[[ $line == '{"n":200,'* ]]
		[[ $(metric 'wsd_refused_total{reason="slow"}') == 0 ]] || break
	done
	[[ $(metric 'wsd_refused_total{reason="slow"}') == 1 ]]
	adds_up
	settles 'wsd_connections{dialect="sse"}' 0
	adds_up
	publish '"last"'
	next good '"last"'
}

@test "with --slow skip a gap is told in its place" {
	start_wsd --max-lag 100k --sndbuf 4096 --slow skip
	follow a -H "$sse" "$http$updates" # read later
	settles 'wsd_connections{dialect="sse"}' 1
	numbered 2000 >many
	for _ in {1..50}; do
		publish @many
		[[ $(metric 'wsd_refused_total{reason="slow"}') == 0 ]] || break
	done
	until_line a 'event: gap'
	next a '*"reason":"slow"}'
	publish '"last"'
	until_line a 'data: "last"'
	adds_up
}

@test "a quiet stream has pings, and who takes nothing is dropped" {
	start_wsd --ping 300ms --dead-after 2s --sndbuf 4096
	follow a -H "$sse" "$http$updates"
	until_line a ':'
	until_line a ':'
	kill "$PID"
	follow b -H "$as_lines" "$http$updates"
	next b ''
	kill "$PID"
	settles wsd_subscriptions 0
	mkfifo stuck
	exec {stuck}<>stuck
	start curl -sN -H "$sse" "$http$updates" >stuck {stuck}<&-
	settles 'wsd_connections{dialect="sse"}' 1
	numbered 2000 >many
	for _ in {1..20}; do
		publish @many
	done
	settles 'wsd_refused_total{reason="dead"}' 1
	settles 'wsd_connections{dialect="sse"}' 0
}

@test "a drain is told, what was published arrives, and curl ends well" {
	start_wsd
	follow a -H "$sse" "$http$updates"
	curl_pid=$PID
	until_line a 'id: *:0'
	publish 1
	stop_wsd
	wsd=
	wait "$curl_pid"
	until_line a 'data: 1'
	until_line a 'event: drain'
	next a 'data: {"type":"DRAIN","reconnectAfterMs":*}'
	until_line a 'event: end'
	next a '*"code":4200,*'
}

@test "it comes back to another server by itself, and is told of the restart" {
	start_wsd
	publish 1
	start node "$BATS_TEST_DIRNAME/tools/events.mjs" "$http$updates?since=all" 2 \
		>seen 2>opened
	client=$PID
	settles 'wsd_connections{dialect="sse"}' 1
	port=${http##*:}
	stop_wsd
	start_wsd --listen "127.0.0.1:$port"
	publish 2
	wait "$client"
	[[ $(awk '{ print $1 }' seen | xargs) == 'message drain end gap message' ]]
	[[ $(tail -1 seen) == *:1\ 2 ]]
}

# token [OPTION...]
token() {
	"$BIN/wstoken" make --key key "$@"
}

@test "it needs a token with the right to subscribe" {
	"$BIN/wstoken" keygen key
	start_wsd --jwt-key key --allow-query-token
	auth=(-H "Authorization: Bearer $(token --admin --for 1m)")
	good=$(token --subscribe t --publish t --for 1m)
	other=$(token --subscribe other --for 1m)
	refused 401 AUTH_REQUIRED -H "$sse" "$http$updates"
	refused 401 AUTH_FAILED -H "$sse" -H 'Authorization: Bearer x' \
		"$http$updates"
	refused 403 FORBIDDEN -H "$sse" -H "Authorization: Bearer $other" \
		"$http$updates"
	follow a -H "$sse" -H "Authorization: Bearer $good" "$http$updates"
	follow b -H "$sse" "$http$updates?access_token=$good&since=all"
	until_line a 'id: *'
	until_line b 'id: *'
	get 200 -d 1 -H "Authorization: Bearer $good" "$http$updates"
	until_line a 'data: 1'
	until_line b 'data: 1'
	refused 403 FORBIDDEN -H "$sse" "$http$updates?access_token=$other"
}

@test "before its token ends it is told, and at the end it ends" {
	"$BIN/wstoken" keygen key
	start_wsd --jwt-key key
	follow a -H "$sse" -H "Authorization: Bearer $(token --subscribe t --for 3s)" \
		"$http$updates"
	curl_pid=$PID
	until_line a 'event: expiring'
	next a 'data: {"type":"EXPIRING","expires":*,"inMs":*}'
	until_line a 'event: end'
	next a '*"code":4212,*'
	wait "$curl_pid"
}

@test "a token that is taken back ends it" {
	"$BIN/wstoken" keygen secret
	# shellcheck disable=SC2094 # nothing reads what it writes
	"$BIN/wstoken" hash --name a --subscribe t <secret >list
	start_wsd --tokens list
	follow a -H "$sse" -H "Authorization: Bearer $(<secret)" "$http$updates"
	until_line a 'id: *'
	: >list
	kill -HUP "$wsd"
	until_line a 'event: end'
	next a '*"code":4011,*'
}

@test "a page of another origin may read it where that is allowed" {
	start_wsd --origin https://app.example.com
	follow a -i -H "$sse" -H 'Origin: https://app.example.com' "$http$updates"
	until_line a 'Access-Control-Allow-Origin: https://app.example.com'
	refused 403 FORBIDDEN -H "$sse" -H 'Origin: http://evil.example' \
		"$http$updates"
}

@test "limits hold" {
	start_wsd --max-connections 3 --max-tenants 2
	follow a -H "$sse" "$http$updates"
	until_line a 'id: *'
	follow b -H "$as_lines" "$http/v1/tenants/u/updates?envelope=1"
	next b '{"type":"SUBSCRIBED",*'
	refused 503 OVER_CAPACITY -H "$sse" "$http/v1/tenants/v/updates"
	follow c -H "$as_lines" "$http$updates?envelope=1"
	next c '{"type":"SUBSCRIBED",*'
	get 503 "$http/healthz"
}

@test "who says what nobody asked for is ended" {
	start_wsd
	exec {peer}<>"/dev/tcp/127.0.0.1/${http##*:}"
	printf '%s\r\n' "GET $updates HTTP/1.1" 'Host: localhost' "$sse" '' \
		'GET /healthz HTTP/1.1' '' >&"$peer"
	until_line peer 'id: *'
	[[ $(metric wsd_subscriptions) == 1 ]]
	printf '%070000d' 0 >&"$peer"
	settles wsd_subscriptions 0
	exec {peer}<&-
}

@test "over TLS" {
	make_tls "$T/tls"
	WSD_TLS=$T/tls start_wsd --ping 300ms
	start node "$BATS_TEST_DIRNAME/tools/events.mjs" "$http$updates" 20000 \
		>seen 2>opened
	client=$PID
	follow a -H "$as_lines" "$http$updates"
	next a ''
	settles 'wsd_connections{dialect="sse"}' 1
	numbered 2000 >many
	for _ in {1..10}; do
		publish @many
	done
	wait "$client"
	[[ $(wc -l <seen) == 20000 ]]
	follow b -H "$sse" "$http$updates"
	curl_pid=$PID
	until_line b 'id: *:20000'
	stop_wsd
	wsd=
	until_line b 'event: end'
	wait "$curl_pid"
}

# The one of examples/nginx.
@test "through nginx nothing is held back, and nobody is let in who is not named" {
	local there=http://updates.example.com$updates

	behind_nginx 's|allow 127.0.0.1;|allow 127.0.0.2;|'
	sed -i '/http {/a gzip on; gzip_types *; gzip_min_length 1;' "$T/nginx.conf"
	reload
	through=(--interface 127.0.0.2 --connect-to "::127.0.0.1:$front")
	follow a "${through[@]}" --compressed -H "$sse" "$there"
	until_line a 'id: *'
	publish '{"n":1}'
	until_line a 'data: {"n":1}'
	get 204 "${through[@]}" -X OPTIONS "$there"
	# nginx passes on what the browser has sent, so a page of this very site
	# is none of another.
	follow b "${through[@]}" -H "$sse" -H 'Host: updates.example.com:8080' \
		-H 'Origin: http://updates.example.com:8080' "$there"
	until_line b 'id: *'
	get 403 "${through[@]}" -d 1 "$there"
	get 403 --interface 127.0.0.3 --connect-to "::127.0.0.1:$front" \
		-H "$sse" "$there"
}
