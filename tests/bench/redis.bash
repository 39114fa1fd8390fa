# shellcheck shell=bash
# shellcheck disable=SC2154 # what run.sh and table.bash have
# The section "redis" of run.sh: what is published in Redis, until it has
# arrived at every subscriber. On one side redis-server, redis2ws and wsd; on
# the other redis-server and the sketch, whose bridge is in the same process.
#
# One rule for both: all processes that serve share SERVER_CORE, the Redis too,
# and only the load has LOAD_CORE. So what is compared is what a message costs
# on its whole way, and neither side gains by being more processes. REDIS_CORE
# moves both Redises elsewhere.
#
# Each side has a Redis of its own, as each bridge would get what is meant for
# the other. The one that has not its turn is idle.

redis_core=${REDIS_CORE:-$SERVER_CORE}

# start_redis NAME: on the Unix socket $tmp/NAME.sock, for the load, and on a
# free port of 127.0.0.1, for the bridges; Redis itself does not pick one.
start_redis() {
	local port status=2
	while ((status == 2)); do
		status=0
		port=$((20000 + RANDOM % 12000))
		start_redis_at "$1" "$port" || status=$?
	done
	((status == 0)) || die "redis-server did not start: $(
		cat "$tmp/$1.log")"
	url[$1]=redis://127.0.0.1:$port
}

# start_redis_at NAME PORT: 2 when the port is taken. The server comes with the
# package redis-tools, under the name of its checker: see tests/redis.bash.
start_redis_at() {
	local ready=$tmp/$1.ready line log=$tmp/$1.log
	[ -p "$ready" ] || mkfifo "$ready"
	exec {fd}<>"$ready" # or opening it would wait for the other end
	# shellcheck disable=SC2016 # for the inner shell
	taskset -c "$redis_core" bash -c 'exec -a redis-server "$@"' bash \
		"$redis_server" --port "$2" --bind 127.0.0.1 --save '' \
		--dir "$tmp" --unixsocket "$tmp/$1.sock" \
		>"$ready" 2>&1 {fd}<&- &
	pid[$1]=$!
	exec {from}<"$ready" {fd}>&- # so that its end is seen
	: >"$log"
	while IFS= read -r -t 20 line <&"$from"; do
		[[ $line != *'eady to accept connections'* ]] || return 0
		echo "$line" >>"$log"
	done
	exec {from}<&-
	stop "$1"
	! grep -q 'already in use' "$log" || return 2
	return 1
}

start_bridges() {
	start_redis redis
	start redis2ws
	[ "$streams" = no ] || start redis2ws-stream
	[ "$sketch" = no ] || start_redis sketchredis
	[ "$sketch" = no ] || start sketchbridge
}

# deliver KEY REDIS URL OPTION...: one run of the load; the processes are those
# whose names stand in `processes`.
deliver() {
	local key=$1 redis=$2 to=$3 name
	local -a watched=()
	shift 3
	for name in "${processes[@]}"; do
		watched+=(--process "$name=${pid[$name]}")
	done
	taskset -c "$LOAD_CORE" "$BUILD/bench/redisload" "${watched[@]}" \
		--duration "$duration" "$@" "$tmp/$redis.sock" "$to" \
		>"$tmp/result" || die "redisload $* through $redis: exit $?"
	keep "$key" messagesPerSecond
	keep "$key.cpu" 'processes | del(.load) | map(.cpuNsPerMessage) | add'
	for name in load "${processes[@]}"; do
		keep "$key.cpu.$name" "processes[\"$name\"].cpuNsPerMessage"
		keep "$key.busy.$name" "processes[\"$name\"].busy * 100"
	done
}

# The first seconds of JavaScript are slow, as it is not compiled yet. No figure
# has them in it.
warm_up() {
	local duration=2s
	local -A samples=() # in place of those of the run
	deliver_sketch 1
	deliver_wsd 1
	deliver_stream
}

deliver_wsd() { # deliver_wsd N
	local -a processes=(redis redis2ws wsd)
	deliver "redis.$1.wsd" redis "${url[wsd]}" --channel job_updates \
		--subscribers "$1"
}

deliver_sketch() { # deliver_sketch N
	local -a processes=(sketchredis sketchbridge)
	[ "$sketch" = yes ] || return 0
	deliver "redis.$1.sketch" sketchredis "${url[sketchbridge]}" \
		--channel job_updates --subscribers "$1"
}

# Acknowledged is an entry when it was taken off the list of the pending ones.
deliver_stream() {
	local -a processes=(redis redis2ws-stream wsd)
	local tries=0
	[ "$streams" = yes ] || return 0
	deliver redis.stream.wsd redis "${url[wsd]}" --stream jobs \
		--subscribers 1
	until [ "$(ask xpending jobs wsd | head -n 1)" = 0 ]; do
		((++tries < 1000)) || die 'entries stay pending'
	done
	[[ $(ask info commandstats) == *cmdstat_xack:calls=* ]] ||
		die 'entries are not acknowledged'
}

ask() {
	redis-cli -s "$tmp/redis.sock" "$@"
}

# Who of them takes how much: "redis2ws 1.00 us, wsd 390 ns", the most first.
shares() { # shares KEY UNIT NAME...
	local key=$1 unit=$2 name
	shift 2
	for name; do
		echo "$(middle "$key.$name") $name"
	done | sort -gr | while read -r value name; do
		name=${name#sketch}
		name=${name/bridge/bun}
		printf '%s, ' "${name%-stream} $(show "$value" "$unit")"
	done | sed 's/, $//'
}

# Two rows below a rate: what a message costs, which is compared with the sketch
# where that was measured too, and who kept its core busy, the most first. The
# load is on a core of its own.
costs() { # costs KEY NAME...
	local key=$1 other=${1%.wsd}.sketch cost busy
	local -a theirs=(sketchredis sketchbridge)
	shift
	cost="$(show "$(middle "$key.cpu")" ns): $(shares "$key.cpu" ns "$@")"
	busy="$(shares "$key.busy" % "$@"); load $(busy_load "$key")"
	if [ -z "${samples[$other]:-}" ]; then
		note 'the same: CPU a message' "$cost" ''
		note 'the same: busy' "$busy" ''
		return
	fi
	row 'the same: CPU a message' "$cost" \
		"sketch $(show "$(middle "$other.cpu")" ns): $(
			shares "$other.cpu" ns "${theirs[@]}")" \
		"$(ratio "$key.cpu" "$other.cpu")" ''
	note 'the same: busy' "$busy" \
		"sketch $(shares "$other.busy" % "${theirs[@]}"); load $(
			busy_load "$other")"
}

busy_load() { # busy_load KEY
	show "$(middle "$1.busy.load")" %
}

# Half of what Pub/Sub does is the bar, since a stream is written, read, and
# acknowledged.
show_stream() {
	local what='XADD in Redis, subscribers: 1, acknowledged; messages'
	if [ "$streams" = no ]; then
		note "$what" "skipped: this redis2ws has no --stream" ''
		return
	fi
	samples[redis.stream.pubsub]=${samples[redis.1.wsd]}
	compare "$what" redis.stream pubsub /s '>= 0.5'
	costs redis.stream.wsd redis redis2ws-stream wsd
}

redis_server=$(command -v redis-server || command -v redis-check-rdb || true)
streams=no sketch=no

# What the section can do here.
look_around() {
	[ -n "$redis_server" ] || die 'no redis-server: it is in redis-tools'
	[[ $("$BIN/redis2ws" --help) != *--stream* ]] || streams=yes
	if [ ! -d "$MODULES/ioredis" ]; then
		echo "bench: no ioredis in $MODULES: no bridge of the sketch" >&2
	elif [[ " ${targets[*]} " == *' sketch '* ]]; then
		sketch=yes
	fi
}

redis() {
	local n round
	look_around
	start_bridges
	warm_up
	for ((round = 0; round < rounds; round++)); do
		for n in 1 100; do
			deliver_sketch "$n"
			deliver_wsd "$n"
		done
		deliver_stream
	done
	stop redis2ws redis2ws-stream redis sketchbridge sketchredis
	for n in 1 100; do
		compare "PUBLISH in Redis, subscribers: $n; messages" \
			"redis.$n" sketch /s '>= 3'
		costs "redis.$n.wsd" redis redis2ws wsd
	done
	show_stream
}
