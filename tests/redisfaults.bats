#!/usr/bin/env bats
# What redis2ws promises, while each of redis-server, redis2ws and wsd is killed
# or stopped in a flood of numbers: tests/tools/flood.mjs makes it, and
# floodcheck.mjs looks at what a subscriber got. Moments are random, and counted
# in updates that were seen; FAULTS_SEED=N does one test again with the seed that
# it printed.
# shellcheck disable=SC2154,SC2153 # what start_wsd, start_redis and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis

tenants=(a b c d e f g h)

setup() {
	PATH=$BIN:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
	seed=${FAULTS_SEED:-$RANDOM}
	echo "FAULTS_SEED=$seed"
	RANDOM=$seed
	restarts=0
	told=
	acked=
	mkfifo "$T/errors" # of all bridges
	exec 9<>"$T/errors"
}

# --- The three, and how they are ended ---

# A wsd that retains all, and soon finds out who is dead; again, where it was.
wsd_up() {
	local where=${WSD_URL#ws://}

	where=${where%/ws}
	start_wsd --listen "${where:-127.0.0.1:0}" --history-count 1000000 \
		--history-size 256M --ping 300ms --dead-after 600ms
	export WSD_URL=$url
}

redis_up() {
	start_redis --appendonly yes --appendfsync always
}

# bridge_up OPTION...: a redis2ws that has subscribed; it is $bridge, and what is
# kept of it and its flood in the directory $D.
bridge_up() {
	local ready=$T/bridged

	rm -f "$ready"
	mkfifo "$ready"
	exec 4<>"$ready"
	start redis2ws --ready-fd 4 "$@" >"$D/bridge.out" 2>"$T/errors" 7>&- \
		8<&- 9<&-
	bridge=$PID
	read -r -t 20 _ <&4
	exec 4<&-
}

# said PATTERN: reads what bridges said up to a line that matches.
said() {
	local line

	while IFS= read -r -t 20 line <&9; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $line != $1 ]] || return 0
		echo "it said: $line"
	done
	echo "it did not say: $1"
	return 1
}

# crash PID: without what bash has to say of it.
crash() {
	kill -KILL "$1"
	{ wait "$1" || true; } 2>/dev/null
}

crash_wsd() {
	local pid=$wsd

	wsd=
	told+=${told:+,}$(settled)
	crash "$pid"
	((++restarts))
}

# Notes what the wsd that was killed had acknowledged to the bridge, which has
# printed its counters as often before.
note_acked() {
	said "*: lost the connection to 'ws:*"
	kill -USR1 "$bridge"
	until (($(wc -l <"$D/bridge.out") == restarts)); do :; done
	acked+=${acked:+,}$(tail -n 1 "$D/bridge.out" | jq .published)
}

# bridge_ends PID: when it is told to, with all that it took published.
bridge_ends() {
	local status=0

	kill "$1"
	wait "$1" || status=$?
	((status == 143)) && return
	echo "redis2ws ended with status $status:"
	timeout 1 cat <&9
	return 1
}

# --- The flood ---

# flood channel|stream: begins; say() and hear() speak with it.
flood() {
	local in=$D/in out=$D/out watched=$D/watched ready=$D/watching

	mkfifo "$in" "$out" "$watched" "$ready"
	exec 7<>"$in" 8<>"$out" 5<>"$ready" 6<>"$watched"
	start wssub -e --ready-fd 5 "${tenants[@]}" >"$watched" \
		2>"$D/watch.err" 6<&- 7>&- 8<&-
	read -r -t 20 _ <&5
	node "$BATS_TEST_DIRNAME/tools/flood.mjs" "$1" flood "$redis_socket" \
		"$watched" "$D" "${tenants[@]}" <"$in" >"$out" 3>&- 5<&- 6<&- \
		7>&- 8<&- &
	started+=("$!")
	ask after 1
	exec 5<&- 6<&-
	rm "$in" "$out" "$watched" "$ready"
}

# begin channel|stream: with a bridge that has these `options`.
begin() {
	D=$T/$1
	mkdir "$D"
	bridge_up "${options[@]}"
	flood "$1"
}

# ask COMMAND: has the flood do it.
ask() {
	say "$*"
	hear "$*"
}

# A random moment. The second comes soon, when little has recovered.
moment() {
	ask after $((RANDOM % 2000))
}

moment_soon() {
	ask soon $((1 + RANDOM % 500))
}

# pick N: sets `fault` to one of so many. Each third time that is 2, by which
# redis2ws begins anew: it waits longer each time that it loses Redis.
pick() {
	fault=$((i % 3 == 2 ? 2 : RANDOM % $1))
	echo "round $i: fault $fault"
}

# stream_options [CONSUMER]: sets `options`.
stream_options() {
	options=(--stream flood --group g --consumer "${1:-c}" --field data -J)
}

# Entries that no wsd needs to see again.
settled() {
	local last first

	last=$(cli xinfo groups flood 2>/dev/null |
		sed -n '/^last-delivered-id$/{n;p}')
	first=$(cli xpending flood g 2>/dev/null | sed -n 2p)
	first=${first%-*}
	last=${last%-*}
	echo $((first ? first - 1 : last))
}

# Waits until Redis has been told of all entries of the stream.
drained() {
	local until=$((SECONDS + 20)) left last given

	while :; do
		left=$(cli xpending flood g | head -n 1)
		last=$(cli xinfo stream flood |
			sed -n '/^last-generated-id$/{n;p}')
		given=$(cli xinfo groups flood |
			sed -n '/^last-delivered-id$/{n;p}')
		[[ $left != 0 || $last != "$given" ]] || return 0
		((SECONDS < until)) || break
	done
	echo "of $last, $given were given, $left are pending"
	cli xpending flood g - + 10
	return 1
}

# The flood ends: so do the bridge and, when all was seen, the subscriber.
over() {
	local tenant

	ask stop
	[[ ! -v options || ${options[0]} != --stream ]] || drained
	bridge_ends "$bridge"
	for tenant in "${tenants[@]}"; do
		wspub "$tenant" '{"end":true}'
	done
	ask end
}

# check OPTION...: see floodcheck.mjs.
check() {
	node "$BATS_TEST_DIRNAME/tools/floodcheck.mjs" --restarts "$restarts" "$@"
}

# of_stream OPTION...: ends the flood and looks at what came of it.
of_stream() {
	over
	cli xrange flood - + | awk 'NR % 3 == 0' >"$D/took"
	check --told "$told" "$@" stream "$D/took" "$D/seen"
}

of_channel() {
	over
	check "$@" channel "$D/took" "$D/seen"
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
		grep -q '^wsd_refused_total{reason="dead"} 1$'; do :; done
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
		until [[ -z $(cli client list type pubsub) ]]; do :; done
		kill -CONT "$bridge"
	done
	of_channel
	jq -e '.breaks >= 3 and .gaps >= 24' "$D/bridge.out"
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
