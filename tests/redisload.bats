#!/usr/bin/env bats
# The load of the bench that goes through Redis: what it counts, and what it
# calls a failure. A rate of messages that did not arrive would be a fine one.
# shellcheck disable=SC2154 # what start_wsd, start_redis and run set

load helper
load redis

bats_require_minimum_version 1.5.0

setup_file() {
	local root=$BATS_TEST_DIRNAME/.. sanitizers=()

	grep -q __asan_init "$BIN/wsd" &&
		sanitizers=("-fsanitize=address,undefined")
	redisload=$BATS_FILE_TMPDIR/redisload
	export redisload
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 "${sanitizers[@]}" \
		-I"$root/lib" -o "$redisload" \
		"$root"/tests/bench/redis{load,feed}.c \
		"${BUILD:-$root/build}"/lib{adapters,domain}.a -lssl -lcrypto
}

setup() {
	T=$BATS_TEST_TMPDIR
	start_wsd
	start_redis
}

# bridge OPTION...: a redis2ws that has subscribed; it is $PID.
bridge() {
	local ready=$T/bridged

	[ -p "$ready" ] || mkfifo "$ready"
	exec 4<>"$ready"
	start "$BIN/redis2ws" -q -u "$url" --redis "unix:$redis_socket" \
		--ready-fd 4 "$@"
	read -r -t 20 _ <&4
	exec 4<&-
}

# loads OPTION...: its result in $T/result; its exit status.
loads() {
	"$redisload" --duration 200ms "$@" "$redis_socket" "$url" \
		>"$T/result" 2>"$T/err"
}

holds() {
	jq -e "$1" "$T/result" >/dev/null || {
		cat "$T/result" "$T/err"
		return 1
	}
}

# fails_with TEXT OPTION...: there is no figure then.
fails_with() {
	run -1 loads "${@:2}"
	cat "$T/err"
	grep -qF "redisload: $1" "$T/err"
	[ ! -s "$T/result" ]
}

published() {
	curl -s "$http/metrics" | sed -n 's/^wsd_updates_published_total //p'
}

# announce CHANNEL MESSAGE: again and again.
announce() {
	while cli publish "$@" >/dev/null; do again; done
}

@test "what it counts is what wsd has published" {
	bridge --channel job_updates
	loads --channel job_updates --subscribers 3 --window 100 \
		--process "bridge=$PID" --process "wsd=$wsd"
	holds '.messages > 100 and .deliveries == 3 * .messages'
	holds '(.messages / .runNs * 1e9 / .messagesPerSecond - 1) | fabs < 0.01'
	holds '.latencyNs.p99 >= .latencyNs.p50 and .latencyNs.p50 > 0'
	holds '.processes | keys == ["bridge", "load", "wsd"]'
	holds '.processes | all(.cpuNsPerMessage > 0 and .busy > 0 and .busy < 1.1)'
	(($(jq .messages "$T/result") == $(published)))
}

@test "its messages are JSON of 200 bytes that name their tenant" {
	start redis-cli -s "$redis_socket" subscribe c >"$T/heard"
	until [ -s "$T/heard" ]; do again; done
	run -1 loads --channel c --window 2 --drain-timeout 50ms
	mapfile -t heard < <(grep '^{' "$T/heard")
	[[ ${#heard[@]} == 2 ]]
	((${#heard[0]} >= 190 && ${#heard[0]} <= 210))
	jq -e '.tenantId == "tenant-0" and (.wsbench | length == 40) and
		.progress == 42 and (keys | length == 8)' <<<"${heard[1]}"
}

@test "what reaches nobody, or does not arrive, is a failure" {
	fails_with 'nobody is subscribed to the channel' --channel job_updates
	start redis-cli -s "$redis_socket" subscribe job_updates >"$T/heard"
	until [ -s "$T/heard" ]; do again; done
	fails_with 'nothing arrives any more: 0 of 200 did' --window 200 \
		--channel job_updates --drain-timeout 100ms
}

@test "so is what arrives twice" {
	bridge --channel job_updates
	bridge --channel job_updates
	fails_with 'lost 0, reordered 0, duplicated' --channel job_updates
}

@test "and what is not of this run" {
	bridge --channel job_updates --channel other
	start announce other '{"tenantId":"tenant-0","n":1}'
	fails_with 'lost 0, reordered 0, duplicated 0, foreign' \
		--channel job_updates --duration 500ms
}

@test "entries of a stream have a field, and are not kept for ever" {
	fails_with 'nothing arrives any more: 0 of 20000 did' --stream jobs \
		--field f --keep 500 --window 20000 --drain-timeout 100ms
	(($(cli xlen jobs) >= 500 && $(cli xlen jobs) < 1000))
	[[ $(cli xrange jobs - + count 1) == *$'\nf\n{"tenantId":"tenant-0",'* ]]
}

@test "an error of the Redis is said" {
	cli set jobs text
	fails_with "the Redis answered '-WRONGTYPE" --stream jobs
}

@test "what it cannot do is said" {
	run -2 "$redisload" --channel c
	[[ $output == *'needs a socket and a URL'* ]]
	run -2 "$redisload" "$redis_socket" "$url"
	[[ $output == *'needs one of --channel and --stream'* ]]
	for wrong in wsd wsd= wsd=x wsd=0 wsd=1x; do
		run -2 "$redisload" --channel c --process "$wrong" \
			"$redis_socket" "$url"
		[[ $output == *"'$wrong' is not NAME=PID"* ]]
	done
	run -1 "$redisload" --channel c "$T/none" "$url"
	[[ $output == *"cannot connect to '$T/none': No such file"* ]]
	run -1 "$redisload" --channel c "$redis_socket" ws://127.0.0.1:1/ws
	[[ $output == *'Connection refused'* ]]
	fails_with '--process w=99999999: No such process' --channel c \
		--process w=99999999
}
