# shellcheck shell=bash
# Other people's clients, each as its users run it; after `load helper` and
# `load redis`, whose say() and hear() talk to the one that has joined. What
# each of them must stand is a function here, so that it is the same for all.
# shellcheck disable=SC2154 # what start_wsd sets

clients=$BATS_TEST_DIRNAME/clients
modules=$BATS_TEST_DIRNAME/../node_modules
subscribe='{"type":"SUBSCRIBE","tenantId":"tenant-1"}'

# program_of CLIENT: sets `program`. All take the options of wscat.
program_of() {
	case $1 in
	ws) program=(node "$clients/ws.mjs") ;;
	wscat) program=("$modules/.bin/wscat" -w -1) ;;
	websockets) program=(/usr/bin/python3 "$clients/pywebsockets.py") ;;
	websocket-client) program=(/usr/bin/python3 "$clients/pywebsocket.py") ;;
	bun) program=("$modules/.bin/bun" "$clients/bun.mjs") ;;
	websocat) program=("$clients/websocat") ;;
	esac
}

# launch CLIENT FILE [OPTION...]: in the background, with what is written to
# descriptor 7 as its input, and with its output in FILE.
launch() {
	local client=$1 out=$2 in=$BATS_TEST_TMPDIR/input.${#started[@]} program

	program_of "$client"
	mkfifo "$in"
	exec 7<>"$in"
	"${program[@]}" -c "$url" "${@:3}" <"$in" >"$out" 2>&1 3>&- 7>&- 8<&- &
	PID=$!
	started+=("$PID")
}

# join CLIENT [OPTION...]: the same, with its output at descriptor 8. wscat is
# on a terminal unless it is to send something itself, as that alone makes it
# tell what becomes of its connection.
join() {
	local client=$1 out=$BATS_TEST_TMPDIR/output.${#started[@]}
	shift

	mkfifo "$out"
	exec 8<>"$out"
	if [[ $client == wscat && " $* " != *' -x '* ]]; then
		join_terminal "$out" "$@"
	else
		launch "$client" "$out" "$@"
	fi
}

join_terminal() {
	local out=$1 in=$BATS_TEST_TMPDIR/typed.${#started[@]} words
	shift

	mkfifo "$in"
	exec 7<>"$in"
	printf -v words '%q ' "$modules/.bin/wscat" --no-color -c "$url" "$@"
	script -qec "$words" /dev/null <"$in" >"$out" 2>&1 3>&- 7>&- 8<&- &
	PID=$!
	started+=("$PID")
	hear '*Connected*' # what is typed before that is lost
}

# joined N [CURL-OPTION...]: waits until tenant-1 has so many subscribers.
joined() {
	local until=$((SECONDS + 20)) count

	until count=$(curl -sf "${@:2}" "$http/v1/tenants" | jq '.tenants[] |
		select(.tenantId == "tenant-1").subscribers') &&
		((${count:-0} == $1)); do
		((SECONDS < until)) || return 1
		again
	done
}

# hears_closed CODE: waits until the client says so.
hears_closed() {
	hear "*@(closed|code:) $1*"
}

# left: waits until wsd has no WebSocket any more.
left() {
	local until=$((SECONDS + 20))

	until curl -sf "$http/metrics" |
		grep -qxF 'wsd_connections{dialect="plain"} 0'; do
		((SECONDS < until)) || return 1
		again
	done
}

# What a client may trip over: spaces, digits, escapes, text beyond ASCII, what
# ends lines elsewhere, and an update as large as they may be.
updates() {
	cat <<-'END'
		{"job": 1,  "n":1.10}
		12345678901234567890
		"\u00fc\/ü"
		{"grüße":"€ 😀 שלום","turned":"‮abc‬"}
		null
		""
		"\u001b[31m <script>"
	END
	printf '"%s\u2028%s\u0085%s"\n' a b c
	largest
	echo '"the last one"'
}

# A text of 1048576 bytes, half as many characters.
largest() {
	printf '"%0524287d"\n' 0 | sed 's/0/ü/g'
}

# receives CLIENT: the sketch's message, and then every update byte for byte.
receives() {
	local count

	updates >"$T/updates"
	count=$(wc -l <"$T/updates")
	start_wsd
	join "$1" -x "$subscribe"
	joined 1
	"$BIN/wspub" -u "$url" tenant-1 -f "$T/updates"
	timeout 20 head -n "$count" <&8 >"$T/got"
	cmp "$T/got" "$T/updates"
}

# publishes CLIENT [no-large]: what it sends is an update, is acknowledged where
# that was asked for, and what is wrong is answered by an ERROR that harms
# nothing.
publishes() {
	start_wsd --history-size 8M
	join "$1"
	printf '%s\n' '{"n": 1.10}' '"€ 😀"' >"$T/updates"
	say '{"type":"PUBLISH","tenantId":"tenant-1","data":{"n": 1.10}}'
	say '{"type":"PUBLISH","tenantId":"tenant-1","data":"€ 😀","id":"b"}'
	hear '*"type":"ACK","id":"b"*"seq":2*'
	say '{"type":"PUBLISH","tenantId":"tenant-1","data":'
	hear '*"type":"ERROR"*"BAD_JSON"*'
	if [[ ${2-} != no-large ]]; then
		largest >>"$T/updates"
		say "{\"type\":\"PUBLISH\",\"tenantId\":\"tenant-1\",\"data\":$(
			largest),\"id\":\"c\"}"
		hear '*"type":"ACK","id":"c"*"seq":3*'
	fi
	"$BIN/wssub" -u "$url" --since all -c "$(wc -l <"$T/updates")" -W 20 tenant-1 |
		cmp - "$T/updates"
}

# closes CLIENT: with 1000, and wsd has one less; and it is told when wsd ends.
closes() {
	start_wsd
	join "$1"
	say "$subscribe"
	joined 1
	if [[ $1 == wscat ]]; then
		say $'\x03'
	else
		exec 7>&-
		hears_closed 1000
	fi
	wait "$PID" || true
	left
	join "$1"
	say "$subscribe"
	joined 1
	kill -TERM "$wsd"
	hears_closed 1001
	wsd_ends 0
}

# refuses CLIENT TEXT OPTION...: it is not let in, for the reason in the log.
refuses() {
	local client=$1 text=$2 status=0
	shift 2

	launch "$client" "$T/refused" "$@"
	wait "$PID" || status=$?
	cat "$T/refused"
	((status > 0))
	tail -n 1 "$wsd_log"
	[[ $(tail -n 1 "$wsd_log") == *"refused $text"* ]]
}

# let_in CLIENT OPTION...: it is, and receives.
let_in() {
	join "$@" -x "$subscribe"
	joined 1
	"$BIN/wspub" -u "$url" tenant-1 '"let in"'
	hear '"let in"'
	exec 7>&-
	left
}

# shows_names CLIENT: with its Origin and Host it is let in where these are
# allowed, and nowhere else.
shows_names() {
	start_wsd --origin https://app.example.com --host updates.example.com
	let_in "$1"
	let_in "$1" -o https://app.example.com
	let_in "$1" --host updates.example.com
	refuses "$1" "a web page of origin 'https://evil.example'" \
		-o https://evil.example
	refuses "$1" "a request for host 'evil.example'" --host evil.example
}

# Keys and tokens.
tokens() {
	local all=(--subscribe tenant-1 --publish tenant-1 --admin)

	umask 077
	"$BIN/wstoken" keygen "$T/key"
	"$BIN/wstoken" keygen "$T/other"
	good=$("$BIN/wstoken" make --key "$T/key" --for 1m "${all[@]}")
	forged=$("$BIN/wstoken" make --key "$T/other" --for 1m "${all[@]}")
	as_good=(-H "Authorization: Bearer $good")
}

# has_joined: the one that was started last receives.
has_joined() {
	joined 1 "${as_good[@]}"
	curl -sf "${as_good[@]}" -d '"with a token"' \
		"$http/v1/tenants/tenant-1/updates"
	hear '*"with a token"*'
	exec 7>&-
	joined 0 "${as_good[@]}"
}

# shows_token CLIENT: a token is taken from its header, and from the sketch's
# message with a member more; else it is told by which code it was closed.
shows_token() {
	tokens
	start_wsd --jwt-key "$T/key"
	join "$1" "${as_good[@]}" -x "$subscribe"
	has_joined
	join "$1" -x "${subscribe%\}},\"token\":\"$good\"}"
	has_joined
	refuses "$1" 'a token' -H "Authorization: Bearer $forged"
	join "$1"
	say "$subscribe"
	hear '*AUTH_REQUIRED*'
	hears_closed 4010
	join "$1"
	say "${subscribe%\}},\"token\":\"$forged\"}"
	hear '*AUTH_FAILED*'
	hears_closed 4011
}
