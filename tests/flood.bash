# shellcheck shell=bash
# A flood of numbers through a Redis, redis2ws and wsd, each of which can be
# killed and started again; after `load helper` and `load redis`.
# shellcheck disable=SC2154,SC2034 # what start_wsd, start_redis and tests set

tenants=(a b c d e f g h)

# Prints the seed of random moments; FAULTS_SEED=N takes another one.
setup_flood() {
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

# figure NAME: of the counters of the bridge, now.
figure() {
	local n

	n=$(wc -l <"$D/bridge.out")
	kill -USR1 "$bridge"
	until (($(wc -l <"$D/bridge.out") > n)); do again; done
	tail -n 1 "$D/bridge.out" | jq ".$1"
}

# Notes what the wsd that was killed had acknowledged.
note_acked() {
	said "*: lost the connection to 'ws:*"
	acked+=${acked:+,}$(figure published)
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
		again
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
