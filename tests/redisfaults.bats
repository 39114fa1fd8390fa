#!/usr/bin/env bats
# What redis2ws promises, while each of redis-server, redis2ws and wsd is killed
# or stopped in a flood of numbers: tests/tools/flood.mjs makes it, and
# floodcheck.mjs looks at what a subscriber got. Moments are random, and counted
# in updates that were seen; FAULTS_SEED=N does one test again with the seed that
# it printed.
# shellcheck disable=SC2154,SC2153,SC2034 # what start_wsd and others set, or take
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis
load flood

setup() {
	PATH=$BIN:$PATH
	setup_flood
}

# --- Streams ---

# begin_stream [CONSUMER]: the flood, and a bridge that reads it.
begin_stream() {
	wsd_up
	redis_up
	stream_options "${1-}"
	begin stream
}

@test "streams: redis2ws is killed, and comes back" {
	begin_stream
	for ((i = 0; i < 8; i++)); do
		moment
		crash "$bridge"
		bridge_up "${options[@]}"
		moment_soon
		crash "$bridge"
		bridge_up "${options[@]}"
	done
	of_stream
}

# late_ones: the entries that another consumer may have to take over.
late_ones() {
	cli xpending flood g - + 1000000 | awk 'NR % 4 == 1 { print $1 + 0 }' \
		>>"$D/late"
}

@test "streams: redis2ws is killed, and another consumer takes over" {
	begin_stream c0
	for ((i = 1; i <= 6; i++)); do
		moment_soon
		crash "$bridge"
		late_ones
		stream_options "c$((i % 3))"
		bridge_up "${options[@]}" --claim-after 200ms
	done
	of_stream --late "$D/late"
}

@test "streams: two in one group, and one of them is killed" {
	begin_stream stays
	stays=$bridge
	stream_options goes
	for ((i = 0; i < 6; i++)); do
		bridge_up "${options[@]}" --claim-after 200ms
		moment_soon
		crash "$bridge"
	done
	bridge_up "${options[@]}" --claim-after 200ms
	bridge_ends "$stays"
	of_stream --any-order
}

@test "streams: redis-server is killed, and comes back" {
	begin_stream
	for ((i = 0; i < 3; i++)); do
		moment
		crash "$redis"
		redis_up
	done
	of_stream
	ledger
	[ "$(jq .breaks "$D/bridge.out")" -eq 3 ]
}

@test "streams: wsd is killed, and comes back" {
	begin_stream
	for ((i = 0; i < 5; i++)); do
		moment
		crash_wsd
		note_acked
		wsd_up
	done
	of_stream --acked "$acked"
	ledger
}

# The bridge was never killed: what it published is what is in the stream, each
# entry once.
ledger() {
	tail -n 1 "$D/bridge.out" | jq -e --argjson n "$(cli xlen flood)" '.published == $n and
		.received == $n'
}

@test "streams: wsd hangs, and then it and redis2ws are killed" {
	begin_stream
	before=0
	for ((i = 0; i < 4; i++)); do
		moment
		kill -STOP "$wsd"
		ask jam
		all_told
		acked+=${acked:+,}$before
		crash "$bridge"
		crash_wsd
		wsd_up
		bridge_up "${options[@]}"
	done
	of_stream --acked "$acked"
}

# Waits until Redis was told of all that the wsd has acknowledged: to this
# bridge, or `before`, which it sets anew.
all_told() {
	local until=$((SECONDS + 20)) published settled

	published=$(figure published)
	until settled=$(settled) && ((settled == before + published)); do
		((SECONDS < until)) || {
			echo "$before + $published, but told: $settled"
			return 1
		}
		again
	done
	before=$settled
}

@test "streams: one or two of them are killed, or stopped meanwhile" {
	begin_stream
	options+=(--window 700)
	for ((i = 0; i < 12; i++)); do
		moment_soon
		pick 6
		case $fault in
		0) crash "$redis" && redis_up ;;
		1) crash_wsd && wsd_up ;;
		2) crash "$bridge" && bridge_up "${options[@]}" ;;
		3)
			crash_wsd && crash "$bridge"
			wsd_up && bridge_up "${options[@]}"
			;;
		4)
			crash "$redis" && crash "$bridge"
			redis_up && bridge_up "${options[@]}"
			;;
		5)
			kill -STOP "$bridge"
			crash_wsd && wsd_up
			kill -CONT "$bridge"
			;;
		esac
	done
	of_stream
}

@test "streams: what stands still goes on" {
	begin_stream
	stands_still
	of_stream
	ledger
}

# cut_off: the bridge's connection to the wsd is cut after so many bytes, in
# both directions; sets `proxy`. Of some that were acknowledged it does not hear.
cut_off() {
	local port=${WSD_URL##*:}

	listening "$BATS_TEST_DIRNAME/tools/cutproxy" --to "${port%/ws}" \
		'[{"up":400},{"up":70000,"down":500},{"up":200003},{"up":1500000,"down":2000}]'
	proxy=ws://127.0.0.1:$PORT/ws
}

@test "streams: the connection to wsd is cut" {
	wsd_up
	redis_up
	cut_off
	stream_options
	options+=(-u "$proxy")
	begin stream
	ask after 50000
	of_stream
	ledger
	jq -e '.reconnects == 4' "$D/bridge.out"
}

# Each of them is stopped in turn, for as long as it takes that nothing moves;
# and redis2ws until the wsd takes it for dead.
stands_still() {
	local stopped

	for stopped in "$wsd" "$redis" "$bridge" "$wsd" "$bridge" "$redis"; do
		moment
		kill -STOP "$stopped"
		ask jam
		kill -CONT "$stopped"
	done
	moment
	kill -STOP "$bridge"
	until curl -sf "$http/metrics" |
		grep -q '^wsd_refused_total{reason="dead"} 1$'; do again; done
	kill -CONT "$bridge"
}

# --- Channels ---

# begin_channel [OPTION...]: the same, of a channel.
begin_channel() {
	wsd_up
	redis_up
	options=(--channel flood -J "$@")
	begin channel
}

@test "channels: nobody is killed, nothing is missing, no GAP" {
	begin_channel
	ask after 50000
	of_channel --gaps none
}

@test "channels: redis-server is killed, and comes back" {
	begin_channel
	for ((i = 0; i < 3; i++)); do
		moment
		crash "$redis"
		redis_up
	done
	of_channel
	[ "$(jq .breaks "$D/bridge.out")" -eq 3 ]
}

@test "channels: redis2ws is killed, and comes back" {
	begin_channel
	for ((i = 0; i < 8; i++)); do
		moment
		ask down
		crash "$bridge"
		bridge_up "${options[@]}"
		ask up
	done
	of_channel --gaps none --holes "$D/holes"
}

@test "channels: wsd is killed, and comes back" {
	begin_channel
	for ((i = 0; i < 5; i++)); do
		moment
		crash_wsd
		note_acked
		wsd_up
	done
	of_channel --gaps none --acked "$acked"
	tail -n 1 "$D/bridge.out" | jq -e '.received == .published'
}

@test "channels: wsd is killed, and there is little room" {
	begin_channel --window 500
	for ((i = 0; i < 5; i++)); do
		moment
		crash_wsd
		said '*: no room for more messages*'
		wsd_up
	done
	of_channel
	jq -e '.lost > 0 and .gaps > 0 and .rejected + .held == 0' \
		"$D/bridge.out"
}

@test "channels: one or two of them are killed, or stopped meanwhile" {
	begin_channel --window 2000
	for ((i = 0; i < 9; i++)); do
		moment
		pick 5
		case $fault in
		0) crash "$redis" && redis_up ;;
		1) crash_wsd && wsd_up ;;
		2)
			ask down
			crash "$bridge" && bridge_up "${options[@]}"
			ask up
			;;
		3)
			crash_wsd && crash "$redis"
			redis_up && wsd_up
			;;
		4)
			kill -STOP "$bridge"
			crash "$redis" && crash_wsd
			redis_up && wsd_up
			kill -CONT "$bridge"
			;;
		esac
	done
	of_channel --holes "$D/holes"
}

@test "channels: Redis does not hold what redis2ws does not read" {
	begin_channel
	cli config set client-output-buffer-limit 'pubsub 60k 0 0'
	for ((i = 0; i < 3; i++)); do
		moment
		kill -STOP "$bridge"
		until [[ -z $(cli client list type pubsub) ]]; do again; done
		kill -CONT "$bridge"
	done
	of_channel
	jq -e '.breaks >= 3 and .gaps >= 24' "$D/bridge.out"
}

@test "channels: the connection to wsd is cut" {
	wsd_up
	redis_up
	cut_off
	options=(--channel flood -J -u "$proxy")
	begin channel
	ask after 50000
	of_channel --gaps none
	jq -e '.reconnects == 4 and .published == .received' "$D/bridge.out"
}

@test "channels: what stands still goes on, and nothing is missing" {
	begin_channel
	stands_still
	of_channel --gaps none
}

# --- Both ---

@test "a Redis that stands still for too long" {
	begin_stream
	reader=$bridge
	exec {in}>&7 {out}<&8
	tenants=(i j k l)
	options=(--channel flood -J)
	begin channel
	moment
	kill -STOP "$redis"
	for _ in channel reader teller; do
		said '*: no answer within [57] s; *'
	done
	kill -CONT "$redis"
	of_channel
	jq -e '.breaks == 1 and .gaps == 4' "$D/bridge.out"

	D=$T/stream
	bridge=$reader
	exec 7>&"$in" 8<&"$out"
	tenants=(a b c d e f g h)
	stream_options
	of_stream
	jq -e '.breaks == 1' "$D/bridge.out"
}

# --- The checker itself ---

# update TENANT EPOCH SEQ N
update() {
	echo "{\"type\":\"UPDATE\",\"tenantId\":\"$1\",\"epoch\":\"$2\",\"seq\":$3,\"data\":{\"n\":$4}}"
}

# gap TENANT EPOCH REASON [SEQ]
gap() {
	echo "{\"type\":\"GAP\",\"tenantId\":\"$1\",\"epoch\":\"$2\",${4:+\"seq\":$4,}\"reason\":\"$3\"}"
}

# took TENANT N...
took() {
	local n

	for n in "${@:2}"; do
		echo "{\"tenantId\":\"$1\",\"n\":$n}"
	done
}

# flawless OPTION... KIND: the checker has nothing to say of $T/seen.
flawless() {
	node "$BATS_TEST_DIRNAME/tools/floodcheck.mjs" "$@" "$T/took" "$T/seen"
}

flawed() {
	! flawless "$@" || {
		cat "$T/seen"
		return 1
	}
}

# each_line_counts FROM OPTION... KIND: $T/sound is flawless; but each line from
# that on is needed, and none may be there twice.
each_line_counts() {
	local i n

	cp "$T/sound" "$T/seen"
	flawless "${@:2}"
	n=$(wc -l <"$T/sound")
	for ((i = $1; i <= n; i++)); do
		sed "${i}d" "$T/sound" >"$T/seen"
		flawed "${@:2}"
		sed "${i}p" "$T/sound" >"$T/seen"
		flawed "${@:2}"
	done
	cp "$T/sound" "$T/seen"
}

@test "the checker sees what is wrong with a channel" {
	{
		update a e 1 1
		update b e 1 1
		update a e 2 2
		gap a e source 3
		update a e 4 5 # 3 and 4 were lost
		update b e 2 2
	} >"$T/sound"
	{ took a {1..5} && took b 1 2; } >"$T/took"
	each_line_counts 1 channel
	flawed --gaps none channel
	flawed stream
	sed '/source/d; s/"seq":4/"seq":3/' "$T/sound" >"$T/seen"
	flawed channel
	sed 's/"n":5/"n":6/' "$T/sound" >"$T/seen"
	flawed channel
	cp "$T/sound" "$T/seen"
	took b 3 >>"$T/took"
	flawed channel
}

@test "the checker knows what may be missing without a GAP" {
	{ update a e 1 1 && update a e 2 3; } >"$T/seen"
	took a 1 2 3 >"$T/took"
	flawed channel
	echo '{"tenantId":"a","from":2,"to":2}' >"$T/holes"
	flawless --holes "$T/holes" channel
	sed -i 's/"n":2/&,"unsure":true/' "$T/took"
	flawless channel
}

@test "the checker sees what is wrong with a stream" {
	{ update a e 1 1 && update a e 2 2 && update a e 3 3; } >"$T/sound"
	took a {1..3} >"$T/took"
	each_line_counts 1 stream
	{ update a e 1 1 && update a e 2 2 && update a e 3 2; } >"$T/seen"
	flawed stream
	flawed --any-order stream

	{ update a e 1 1 && update a e 2 3 && update a e 3 2; } >"$T/seen"
	flawed stream
	flawless --any-order stream
	echo 3 >"$T/late"
	flawed --late "$T/late" stream
	echo 2 >"$T/late"
	flawless --late "$T/late" stream
	update a e 4 2 >>"$T/seen"
	flawed --late "$T/late" stream
	flawed --any-order stream
}

@test "the checker sees what is wrong when wsd was started again" {
	{
		update a e 1 1
		update a e 2 2
		gap a f restart
		update a f 1 2 # again
		update a f 2 3
		update b e 1 1
		gap b f restart
		update b f 1 3 # 2 was acknowledged and not written
		update b f 2 4
	} >"$T/sound"
	took b 1 2 >"$T/took"
	took a {1..3} >>"$T/took"
	took b 3 4 >>"$T/took"
	each_line_counts 7 --restarts 1 stream
	flawed stream
	flawless --restarts 1 --told 3 stream # b 1, b 2, a 1
	flawed --restarts 1 --told 4 stream
	flawless --restarts 1 --acked 3 stream
	flawed --restarts 1 --acked 1 stream
	flawed --restarts 1 --acked 4 stream
	sed '3d' "$T/sound" >"$T/seen"
	flawed --restarts 1 stream
	sed '4d' "$T/sound" >"$T/seen"
	flawed --restarts 1 stream
}
