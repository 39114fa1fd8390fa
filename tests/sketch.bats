#!/usr/bin/env bats
# Our tools against the sketch that wsd replaces, on Bun: who moves over can
# change the server and the clients one after the other.
# needs: bun
# shellcheck disable=SC2154 # what run, start_wsd and start_redis set

load helper
load redis

bats_require_minimum_version 1.5.0

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$BATS_TEST_DIRNAME/.." || return
	PATH=$BIN:$PATH
	start_sketch
}

# start_sketch [NAME=VALUE...]: sets `sketch`, its pid, and WSD_URL.
start_sketch() {
	local fifo=$T/sketch.${#started[@]}

	mkfifo "$fifo"
	exec 6<>"$fifo" # or opening it would wait for the other end
	start env "$@" node_modules/.bin/bun tests/bench/sketch.js >"$fifo" \
		6<&- 7<&-
	sketch=$PID
	IFS= read -r -t 20 WSD_URL <&6
	exec 6<&-
	export WSD_URL
}

kill_sketch() {
	kill -KILL "$sketch"
	wait "$sketch" || true
}

# subscribes FILE [OPTION...]: a wssub that has subscribed, and writes to FILE;
# what it says goes to FILE.err.
subscribes() {
	local ready=$T/subscribed.${#started[@]}

	mkfifo "$ready"
	exec 5<>"$ready"
	start wssub --ready-fd 5 "${@:2}" tenant-1 >"$1" 2>"$1.err"
	read -r -t 20 _ <&5
	exec 5<&-
}

# ends PID STATUS
ends() {
	local status=0

	wait "$1" || status=$?
	((status == $2))
}

# plain PROGRAM TEXT: how that begins to tell what it can't do.
plain() {
	echo "$1: '$WSD_URL' does not speak wsd.v1$2"
}

@test "the sketch: what wspub publishes arrives, and both say what they can't know" {
	local n

	printf '{"n":%d}\n' {1..20000} >"$T/lines"
	printf '%s\n' '"grüße € 😀"' null >>"$T/lines"
	printf '"%0100000d"\n' {1..10} >>"$T/lines"
	n=$(wc -l <"$T/lines")
	subscribes "$T/got" -c "$n" -W 40
	run -0 wspub tenant-1 -f "$T/lines"
	[[ $output == "$(plain wspub ': publishing without acknowledgements')" ]]
	ends "$PID" 0
	[[ $(<"$T/got.err") == "$(plain wssub ': gaps will not be noticed')" ]]
	cmp "$T/got" "$T/lines"
}

@test "the sketch: what it can't do is exit 2, if it was asked for" {
	local commands=('wssub -e t' 'wssub --strict t' 'wssub --since all t'
		"wssub --state $T/state t" 'wspub --ack t 1'
		'wspub --key-field k t {"k":1}' 'redis2ws --channel c') i pids=()

	for i in "${!commands[@]}"; do
		# shellcheck disable=SC2086 # words
		timeout 30 ${commands[i]} >"$T/said.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${!commands[@]}"; do
		ends "${pids[i]}" 2
		cat "$T/said.$i"
		[[ $(<"$T/said.$i") == "${commands[i]%% *}: "*"'$WSD_URL' does not speak wsd.v1, "* ]]
	done
}

@test "the sketch is started anew: exit 3, or both come back and say what that means" {
	local stays leaves publisher port=${WSD_URL##*:}

	subscribes "$T/stays" -c 2 -W 50
	stays=$PID
	subscribes "$T/leaves" --no-reconnect
	leaves=$PID
	mkfifo "$T/in"
	exec 7<>"$T/in"
	start wspub tenant-1 -f "$T/in" 2>"$T/published.err" 7<&-
	publisher=$PID
	echo 1 >&7
	timeout 20 tail -n +1 -f "$T/stays" | grep -qxm1 1
	kill_sketch
	ends "$leaves" 3
	run -3 wspub tenant-1 0
	[[ $output == *'connection refused'* ]]
	start_sketch PORT="${port%/ws}"
	until grep -qx 2 "$T/stays"; do
		echo 2 >&7 # until both are there again
		again
	done
	ends "$stays" 0
	exec 7>&-
	ends "$publisher" 0
	grep -q 'updates may be missing' "$T/stays.err"
	grep -q 'what was sent last may be lost' "$T/published.err"
}

@test "while one moves over, the sketch and wsd both deliver what Redis has" {
	start_redis_tcp
	start_sketch REDIS_URL="redis://127.0.0.1:$redis_port"
	start_wsd
	mkfifo "$T/bridged"
	exec 4<>"$T/bridged"
	start redis2ws --ready-fd 4 -u "$url" --channel job_updates \
		--redis "unix:$redis_socket"
	read -r -t 20 _ <&4
	subscribes "$T/old" -c 1000 -W 40
	subscribes "$T/new" -u "$url" -c 1000 -W 40
	seq 1000 | sed 's/.*/publish job_updates {"tenantId":"tenant-1","job":&}/' |
		sed "s/{.*/'&'/" | cli >/dev/null
	ends "${started[-1]}" 0
	ends "${started[-2]}" 0
	seq 1000 | sed 's/.*/{"job":&}/' | cmp - "$T/new"
	cmp "$T/old" "$T/new"
}
