#!/usr/bin/env bats
# The HTTP load of the bench: what it counts, and what it calls a failure. A
# load that takes refusals for answers would make a fine figure.
# shellcheck disable=SC2154 # what start_wsd and run set

load helper

bats_require_minimum_version 1.5.0

setup_file() {
	local root=$BATS_TEST_DIRNAME/.. sanitizers=()

	grep -q __asan_init "$BIN/wsd" &&
		sanitizers=("-fsanitize=address,undefined")
	post=$BATS_FILE_TMPDIR/post
	export post
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 "${sanitizers[@]}" \
		-I"$root/lib" -o "$post" "$root"/tests/bench/post{,conn}.c \
		"${BUILD:-$root/build}/libdomain.a"
}

setup() {
	T=$BATS_TEST_TMPDIR
	printf '{"n":%d}\n' {1..100} >"$T/lines"
}

# posts OPTION... URL: its result in $T/result; its exit status.
posts() {
	"$post" --duration 200ms "$@" >"$T/result" 2>"$T/err"
}

holds() {
	jq -e "$1" "$T/result" >/dev/null || {
		cat "$T/result" "$T/err"
		return 1
	}
}

# server STEP: what it does with each connection.
server() {
	listening "$BATS_TEST_DIRNAME/tools/fakeserver" "[[$1]]"
	server=http://127.0.0.1:$PORT/
}

# answers STATUS CONTENT: to each request, and keeps the connection.
answers() {
	server "$(jq -nc --arg raw "$(answer "$@")" '{raw: $raw, keep: true}')"
}

answer() {
	printf 'HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s' "$1" "${#2}" "$2"
}

@test "what it counts is what wsd has published" {
	start_wsd
	posts --pid "$wsd" --concurrency 3 "$http/v1/tenants/t/updates"
	holds '.posts > 3 and .updates == .posts and .failures == {}'
	holds '.latencyNs.p99 >= .latencyNs.p50 and .latencyNs.p50 > 0'
	holds '.server.cpuNsPerPost > 0'
	n=$(jq .updates "$T/result")
	posts --body "$T/lines" --type application/x-ndjson \
		"$http/v1/tenants/t/updates"
	holds '.posts > 3 and .updates == 100 * .posts'
	((n += $(jq .updates "$T/result")))
	published=$(curl -s "$http/metrics" |
		sed -n 's/^wsd_updates_published_total //p')
	((published == n))
}

@test "every status but 200 is a failure" {
	start_wsd
	run ! posts "$http/v1/nothing"
	holds '.posts == 0 and .failed > 0 and .failures == {"404": .failed}'
	grep -q 'refused: HTTP/1.1 404' "$T/err"
	run ! posts --body "$T/lines" "$http/v1/tenants/t/updates"
	holds '.failures | keys == ["400"]'
	for code in 503 202; do
		answers "$code nothing" '{"count":1}'
		run ! posts "$server"
		holds ".failures | keys == [\"$code\"]"
	done
}

@test "a server that keeps the connection is closed upon" {
	answers '200 OK' '{"count":1}'
	posts --concurrency 2 "$server"
	holds '.posts > 2 and .failed == 0'
}

@test "a 200 that did not publish all is a failure" {
	answers '200 OK' '{"count":10}'
	run ! posts "$server"
	holds '.posts == 0 and (.failures | keys == ["count"])'
}

@test "so is what is no answer, or none" {
	server '{"drop":true}'
	run ! posts "$server"
	holds '.failures | keys == ["connection"]'
	server '{"raw":"SSH-2.0-x\r\nContent-Length: 0\r\n\r\n"}'
	run ! posts "$server"
	holds '.failures | keys == ["answer"]'
	answers '200 OK' "$(printf '%05000d' 0)"
	run ! posts "$server"
	holds '.failures | keys == ["answer"]'
}

@test "what it cannot do is said" {
	run -3 "$post" http://127.0.0.1:1/
	[[ $output == *"port 1: Connection refused"* ]]
	run -2 "$post" ws://127.0.0.1:1/
	[[ $output == *"'ws://127.0.0.1:1/' is not http://HOST:PORT/PATH"* ]]
	run -2 "$post"
	start_wsd
	run -1 "$post" --body "$T/none" "$http/x"
	[[ $output == *"cannot make the request: No such file"* ]]
	run -1 "$post" --pid 99999999 "$http/x"
	[[ $output == *"cannot see the process --pid: No such process"* ]]
}
