#!/usr/bin/env bats
# redis2ws between a real redis-server and a real wsd.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis

setup() {
	PATH=$BIN:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
}

# both [OPTION...]: a wsd and a redis-server that the programs find.
both() {
	start_wsd "$@"
	export WSD_URL=$url
	start_redis
}

# bridge OPTION...: a redis2ws in the background, once it has subscribed; it is
# $bridge, and says things to $T/bridge.err and $T/bridge.out.
bridge() {
	mkfifo "$T/bridged"
	exec 4<>"$T/bridged"
	start env --default-signal=INT redis2ws --ready-fd 4 "$@" \
		>"$T/bridge.out" 2>"$T/bridge.err" 3>&-
	bridge=$PID
	read -r -t 20 _ <&4
	exec 4<&-
	rm "$T/bridged"
}

# bridge_ends STATUS: waits for its end.
bridge_ends() {
	local status=0

	wait "$bridge" || status=$?
	((status == $1)) && return
	echo "redis2ws ended with status $status"
	cat "$T/bridge.err"
	return 1
}

# watch OPTION...: a wssub that has subscribed; hear() reads what it writes.
watch() {
	local fifo=$T/watched out=$T/watch.out

	mkfifo "$fifo" "$out"
	exec 5<>"$fifo" 8<>"$out"
	start wssub --ready-fd 5 "$@" >"$out" 2>"$T/watch.err" 8<&-
	watch=$PID
	read -r -t 20 _ <&5
	exec 5<&-
	rm "$fifo" "$out"
}

# said PATTERN: waits until the bridge has said that.
said() {
	timeout 20 tail -n +1 -F "$T/bridge.err" --pid="$bridge" 2>/dev/null |
		grep -qm 1 -e "$1" ||
		{ echo "it did not say: $1" && cat "$T/bridge.err" && return 1; }
}

@test "the job of the sketch: tenantId is taken out, the rest is published" {
	both
	watch t-1
	bridge --channel job_updates
	cli publish job_updates '{"tenantId":"t-1","job": 7, "x":[1.0,"\u00e4"] }'
	hear '{"job": 7, "x":\[1.0,"\\u00e4"\] }'
	cli publish job_updates '{"job":8,"tenantId":"t-1"}'
	hear '{"job":8}'
	cli publish job_updates '{"job":9,"tenantId":"other"}'
	cli publish elsewhere '{"job":10,"tenantId":"t-1"}'
	cli publish job_updates '{"job":11,"tenantId":"t-1"}'
	hear '{"job":1[01]}'
	[ "$heard" = '{"job":11}' ]
	kill "$bridge"
	bridge_ends 143
}
