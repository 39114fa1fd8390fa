#!/usr/bin/env bats
# What wsd logs, in which format, how much of it, and that a log which cannot
# be written hurts nobody.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

# refused N [CURL ARGUMENT...]: so many requests that are refused and logged.
refused() {
	local n=$1
	shift
	for ((; n > 0; n--)); do
		[[ $(curl -s -o /dev/null -w '%{http_code}' --max-time 5 \
			-H 'Origin: http://evil.example' "$@" "$http/") == 403 ]]
	done
}

serves() {
	[[ $(curl -sf --max-time 5 "$http/healthz") == ok ]]
}

# What shows the log of a server that fails could wait for it for ever.
hide_log() {
	wsd_log=/dev/null
}

# logs FILTER: whether jq finds it true of the JSON lines of the log, as an
# array. Fails when one of them is no JSON object with what all of them have.
logs() {
	cat "$wsd_log"
	jq -esR 'split("\n")[:-1] | map(fromjson) |
		all(.time | test("^20..-..-..T..:..:..\\....Z$")) and
		all(.level | IN("error", "warn", "info", "debug")) and
		all(.event | test("^[a-z_]+$")) and
		all(.message | length > 0)' "$wsd_log" >/dev/null
	jq -es "$1" "$wsd_log" >/dev/null
}

@test "text is the default: one line an event" {
	start_wsd
	refused 2
	stop_wsd
	[[ $(grep -cE "^wsd: refused a web page of origin 'http://evil" \
		"$wsd_log") == 2 ]]
	[[ $(wc -l <"$wsd_log") == 2 ]]
}

@test "--log-format json: an object a line, with event, connection and address" {
	start_wsd -v --log-format json --max-per-address 1
	refused 1
	curl -s -H 'Host: evil.example' "$http/"
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		b try
		b status 429
		a binary x
		a closed 1003
		a end
	END
	stop_wsd
	logs '.[0].event == "start" and .[0].level == "info"'
	logs 'any(.event == "refused_origin" and .level == "warn" and
		.address == "127.0.0.1" and (has("connection") | not))'
	logs 'any(.event == "refused_host" and (.message | test("evil.example")))'
	logs 'any(.event == "connection_refused" and .address == "127.0.0.1")'
	logs 'any(.event == "connection_closed" and .connection == 1 and
		.address == "127.0.0.1" and (.message | test("1003")))'
	logs 'any(.event == "drain")'
	logs '.[-1].event == "stop"'
}

@test "an HTTP error is logged with -v, once, as which it was" {
	start_wsd -v --log-format json
	curl -s "$http/nowhere?secret"
	curl -s -d '{"bad":' "$http/v1/tenants/t/updates"
	curl -s -H 'Host: evil.example' "$http/nowhere"
	curl -s -H 'Host;' "$http/nowhere"
	curl -sf "$http/healthz"
	stop_wsd
	logs 'map(select(.event == "http_error") | .message) == [
		"a request was answered by 404, NOT_FOUND",
		"a request was answered by 400, BAD_JSON"]'
	logs 'map(select(.event == "http_error")) | all(.level == "info" and
		.address == "127.0.0.1")'
	logs 'map(select(.event | startswith("refused_")) | .event) ==
		["refused_host", "refused_no_host"]'
	rm "$wsd_log"
	start_wsd --log-format json
	curl -s "$http/nowhere"
	curl -sf "$http/healthz"
	stop_wsd
	[[ ! -s $wsd_log ]]
}

@test "JSON has no address where there is none: a Unix socket" {
	start_wsd --log-format json --listen "unix:$BATS_TEST_TMPDIR/s"
	curl -s --unix-socket "$BATS_TEST_TMPDIR/s" http://evil.example/
	logs 'length == 1 and (.[0] | .event == "refused_host" and
		(has("address") | not))'
}

@test "JSON stays JSON, whatever a stranger sends" {
	start_wsd --log-format json
	raw <<-'END'
		a connect
		a raw "GET / HTTP/1.1\r\nHost: a\"\\[2J\u009b\u00ff\r\n\r\n"
		a status 403
		b connect
		b raw "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: \"},{\"level\":\"\r\n\r\n"
		b status 403
	END
	logs 'length == 2'
}

@test "what cannot start says so in the same format" {
	start_wsd
	address=${url#ws://}
	run "$BIN/wsd" --log-format json --listen "${address%/ws}"
	[[ $status == 2 ]]
	jq -e '.level == "error" and .event == "failed" and
		(.message | test("in use"))' <<<"$output"
	run "$BIN/wsd" --log-format xml
	[[ $status == 2 && $output == *"--log-format"* ]]
}

@test "-q shows errors alone, -v what happens, without them what was refused" {
	for option in -q "" -v; do
		# shellcheck disable=SC2086 # one may be empty
		start_wsd --log-format json $option
		refused 1
		stop_wsd
		jq -r .event "$wsd_log" >>"$BATS_TEST_TMPDIR/seen"
		echo - >>"$BATS_TEST_TMPDIR/seen"
		rm "$wsd_log"
	done
	diff "$BATS_TEST_TMPDIR/seen" <(printf '%s\n' - refused_origin - \
		start refused_origin drain stop -)
}

@test "of each kind ten a second are shown, and the number of the others" {
	start_wsd --log-format json
	for i in {1..200}; do
		echo "a$i header Origin: http://evil.example"
		echo "a$i try"
		echo "a$i status 403"
		((i % 20)) || printf '%s\n' "b$i header Host: evil.example" \
			"b$i try" "b$i status 403"
	done | raw >/dev/null
	stop_wsd
	logs 'map(select(.event == "refused_origin")) |
		(map(.hidden // 1) | add) == 200 and
		(map(select(has("hidden") | not)) | length) < 100'
	# Another kind is not hidden behind them.
	logs 'map(select(.event == "refused_host")) | length == 10'
}

@test "what was not shown is told within seconds, without another event" {
	start_wsd --log-format json
	for i in {1..40}; do
		echo "a$i header Origin: http://evil.example"
		echo "a$i try"
		echo "a$i status 403"
	done | raw >/dev/null
	until logs '(map(.hidden // 1) | add) == 40'; do again; done >/dev/null
}

@test "a full disk: it serves on, and ends in order" {
	ln -s /dev/full "$BATS_TEST_TMPDIR/wsd.log"
	start_wsd -v
	refused 3
	serves
	hide_log
	stop_wsd
}

@test "nobody reads any more: it serves on, and ends in order" {
	mkfifo "$BATS_TEST_TMPDIR/wsd.log"
	start cat "$BATS_TEST_TMPDIR/wsd.log"
	start_wsd -v
	hide_log
	refused 1
	kill "$PID"
	wait "$PID" || true
	refused 3
	serves
	stop_wsd
}

@test "a reader that has stopped: it serves on, and then says what was lost" {
	mkfifo "$BATS_TEST_TMPDIR/wsd.log"
	exec 7<>"$BATS_TEST_TMPDIR/wsd.log"
	start_wsd --log-format json
	hide_log
	# Full to the last page.
	LC_ALL=C run dd if=/dev/zero of="$BATS_TEST_TMPDIR/wsd.log" bs=4096 count=999 \
		oflag=nonblock conv=notrunc status=none
	[[ $output == *"Resource temporarily unavailable"* ]]
	refused 5
	serves
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		b recv {"type":"ACK"}
		a exact 1
	END
	dd bs=1M count=1 status=none <&7 >/dev/null
	read -r line <&7
	echo "$line"
	jq -e '.event == "lost" and .lost == 5' <<<"$line"
	refused 1
	read -r line <&7
	jq -e '.event == "refused_origin"' <<<"$line"
	stop_wsd
	exec 7<&-
}

@test "a disk that is full in the middle of a line tears only that one" {
	local log=$BATS_TEST_TMPDIR/wsd.log

	head -c $((1024 * 1024 - 20)) /dev/zero >"$log"
	ulimit -S -f 1024
	start_wsd --log-format json
	ulimit -S -f unlimited
	refused 3
	serves
	[[ $(stat -c %s "$log") == $((1024 * 1024)) ]]
	prlimit --pid "$wsd" --fsize=unlimited
	refused 1
	stop_wsd
	tail -c +$((1024 * 1024 - 19)) "$log" >"$log.end"
	cat "$log.end"
	[[ $(head -1 "$log.end") == '{"time":"'* ]]
	tail -n +2 "$log.end" >"$log"
	logs 'length == 2 and .[0].lost == 3 and .[1].event == "refused_origin"'
}

@test "no payload, token, query or header is ever logged" {
	start_wsd -vv
	raw <<-'END'
		a request GET /ws?token=s3cret
		a header Authorization: Bearer s3cret
		a header Cookie: s3cret=s3cret
		a open
		a send {"type":"s3cret"}
		a recv {"type":"ERROR"}
		a send s3cret
		a recv {"type":"ERROR"}
		a send {"type":"SUBSCRIBE","tenantId":"t","since":{"epoch":"s3cret","seq":1}}
		a closed 4001
		a end
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"PUBLISH","id":1,"tenantId":"t","key":"s3cret","data":"s3cret"}
		b recv {"type":"ACK"}
		b hex 81fe
		b drop
		c request GET /s3cret?token=s3cret
		c header Origin: http://s3cret@evil.example/
		c try
		c status 403
		d request POST /s3cret?token=s3cret
		d header Content-Length: 6
		d header Host: evil.example?s3cret
		d try
		d status 403
		e request GET /ws?s3cret
		e header Origin: http://evil.example/?s3cret
		e try
		e status 403
		f open
		f close 1002 s3cret
		f closed 1002
		f end
		g open
		g hex 81ff8000000000000000733363726574
		g end
		h header Sec-WebSocket-Protocol: s3cret
		h try
		h status 400
	END
	stop_wsd
	cat "$wsd_log"
	grep -qF "origin '...evil.example/', which is none" "$wsd_log"
	grep -qF "host 'evil.example...', which is none" "$wsd_log"
	run grep -c s3cret "$wsd_log"
	[[ $output == 0 ]]
}

# strangers N: so many frames that libwebsockets warns of.
strangers() {
	for ((i = 1; i <= $1; i++)); do
		echo "a$i open"
		echo "a$i hex 81ff80000000000000000000000000"
		echo "a$i end"
	done | raw >/dev/null
}

@test "the log of libwebsockets: with -v alone, in our format, not too much" {
	start_wsd --log-format json
	strangers 3
	stop_wsd
	[[ ! -s $wsd_log ]]
	start_wsd -v --log-format json
	strangers 60
	stop_wsd
	logs 'map(select(.event == "libwebsockets")) |
		(map(.hidden // 1) | add) == 60 and length < 60'
	rm "$wsd_log"
	start_wsd -v
	strangers 3
	stop_wsd
	[[ $(grep -c '^libwebsockets: ' "$wsd_log") == 3 ]]
}

# lwslog ARGUMENT...: see tests/tools/lwslog.c.
lwslog() {
	local root=$BATS_TEST_DIRNAME/.. sources=()

	for module in lwslog log diag utf8 num clock; do
		sources+=("$root/lib/$module.c")
	done
	# shellcheck disable=SC2046 # flags
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -I"$root/lib" \
		-o "$BATS_TEST_TMPDIR/lwslog" "$root/tests/tools/lwslog.c" \
		"${sources[@]}" $(pkg-config --cflags --libs libwebsockets)
	"$BATS_TEST_TMPDIR/lwslog" "$@"
}

@test "of libwebsockets: no notices, no dumps of payloads, numbers add up" {
	run lwslog text
	echo "$output"
	[[ ${#lines[@]} == 22 ]]
	[[ ${lines[0]} == "libwebsockets: a warning" ]]
	[[ ${lines[1]} == 'libwebsockets: an error with "quotes"' ]]
	[[ ${lines[21]} == "libwebsockets: again 19" ]]
	run lwslog json limited
	echo "$output"
	[[ ${#lines[@]} == 11 ]]
	jq -es 'all(.event == "libwebsockets" and .level == "warn") and
		.[0].message == "a warning" and
		.[9].message == "again 7" and
		.[10].hidden == 2037' <<<"$output"
	# 2037: it counts to 2047, of which ten were shown.
}
