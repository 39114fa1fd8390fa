#!/usr/bin/env bash
# Measures what the README promises and prints it as a Markdown table, each
# figure with what stands beside it and the bar that it has to reach.
#
#   run.sh [fanout] [single] [ingest] [pipeline] [latency] [idle] [json]
#          [http] [sse] [stalled] [roundtrip] [hostile] [redis] [access]
#          [console] [tls]
#
# Without arguments all of them. The servers (wsd; floor, the bare loop;
# sketch, when bun is there) run on one core and the load on another. Targets
# take turns within a round, so that a slow moment of the machine hits all of
# them; a ratio is the median of the ratios of the rounds.
#
#   BENCH_QUICK=1   one short round: does the bench itself work?
#   BENCH_ROUNDS=3  BENCH_SECONDS=3  SERVER_CORE=0  LOAD_CORE=1  REDIS_CORE=0
set -euo pipefail
cd "$(dirname "$0")/../.."

BUILD=${BUILD:-build}
BIN=${BIN:-bin}
WSD=${WSD:-$BIN/wsd}
MODULES=${MODULES:-node_modules}
SERVER_CORE=${SERVER_CORE:-0}
LOAD_CORE=${LOAD_CORE:-1}
if [ -n "${BENCH_QUICK:-}" ]; then
	rounds=1 duration=300ms lines=50000 idle=500 json_rounds=3
	stalled=50 flood=3000 crowd=500 hostile_scripts='junk gets'
else
	rounds=${BENCH_ROUNDS:-3} duration=${BENCH_SECONDS:-3}s
	lines=1000000 idle=9000 json_rounds=15
	stalled=1000 flood=20000 crowd=19000
	hostile_scripts='half-handshake slow-handshake slow-frame endless-frame
		endless-message subscriptions again replays pings deaf-pings
		requests deaf deaf-publisher publisher reset junk junk-bytes
		junk-frames gets posts big half-message hoard'
fi

tmp=$(mktemp -d)
declare -A pid=() url=() samples=()
wsd_options=()
. tests/bench/table.bash
. tests/bench/redis.bash
. tests/bench/access.bash
. tests/bench/tls.bash
. tests/bench/console.bash

# --- Servers -----------------------------------------------------------------

stop() { # stop SERVER...
	local name
	for name; do
		[ -n "${pid[$name]:-}" ] || continue
		kill "${pid[$name]}" 2>/dev/null || true
		wait "${pid[$name]}" 2>/dev/null || true
		unset "pid[$name]"
	done
}

finish() {
	stop "${!pid[@]}"
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
	echo "bench: $*" >&2
	exit 1
}

# Starts SERVER and waits for the line with its URL, which it writes to
# descriptor 3.
start() {
	local name=$1 line='' ready=$tmp/$1.ready
	local -a command bridge=("$BIN/redis2ws" -u "${url[wsd]:-}" --ready-fd 3
		--redis "${url[redis]:-}")
	case $name in
	wsd)
		command=("$WSD" --listen 127.0.0.1:0 --ready-fd 3
			"${wsd_options[@]}")
		;;
	guarded)
		command=("$WSD" --listen 127.0.0.1:0 --ready-fd 3
			--jwt-key "$tmp/es256.pub")
		;;
	wsdtls)
		command=("$WSD" --listen 127.0.0.1:0 --ready-fd 3
			--tls-cert "$tmp/tls.cert" --tls-key "$tmp/tls.key")
		;;
	floor) command=("$BUILD/bench/floor" --ready-fd 3) ;;
	sketch) command=("$bun" tests/bench/sketch.js) ;;
	sketchtls)
		command=(env TLS_CERT="$tmp/tls.cert" TLS_KEY="$tmp/tls.key"
			"$bun" tests/bench/sketch.js)
		;;
	sketchbridge)
		command=(env NODE_PATH="$MODULES" REDIS_URL="${url[sketchredis]}"
			"$bun" tests/bench/sketch.js)
		;;
	redis2ws) command=("${bridge[@]}" --channel job_updates) ;;
	redis2ws-stream)
		command=("${bridge[@]}" --stream jobs --group wsd
			--consumer bench --field data)
		;;
	esac
	[ -p "$ready" ] || mkfifo "$ready"
	exec {fd}<>"$ready"
	if [[ $name == sketch* ]]; then
		taskset -c "$SERVER_CORE" "${command[@]}" >"$ready" &
	else
		taskset -c "$SERVER_CORE" "${command[@]}" 3>"$ready" \
			2>"$tmp/$name.log" &
	fi
	pid[$name]=$!
	read -r -t 10 line <&"$fd" || die "$name did not start: $(
		cat "$tmp/$name.log" 2>/dev/null)"
	exec {fd}>&-
	url[$name]=$line
}

# A wsbench that keeps connections to SERVER open, until `stop crowd`.
crowd() { # crowd SERVER OPTION...
	local name=$1 ready=$tmp/crowd.ready
	shift
	[ -p "$ready" ] || mkfifo "$ready"
	exec {fd}<>"$ready"
	taskset -c "$LOAD_CORE" "$BIN/wsbench" -q -u "${url[$name]}" --idle \
		--duration 1h --ready-fd 3 "$@" 3>"$ready" >"$tmp/crowd.log" &
	pid[crowd]=$!
	read -r -t 60 <&"$fd" || die "the crowd at $name did not connect"
	exec {fd}>&-
}

# --- Loads -------------------------------------------------------------------

# One run of wsbench against SERVER; its result is kept in $tmp/result.
load() { # load SERVER OPTION...
	local name=$1
	shift
	taskset -c "$LOAD_CORE" "$BIN/wsbench" -u "${url[$name]}" \
		--pid "${pid[$name]}" -J -W 120 "$@" >"$tmp/result" ||
		die "wsbench $* against $name: exit $?"
}

# POSTs to the HTTP side of SERVER, for the tenant that wsbench subscribes to.
posts() { # posts SERVER OPTION...
	local name=$1 base=${url[$1]/#ws:/http:}
	shift
	taskset -c "$LOAD_CORE" nice -n "${post_nice:-0}" \
		"$BUILD/bench/post" --pid "${pid[$name]}" \
		--duration "$duration" "$@" \
		"${base%/ws}/v1/tenants/bench-0/updates" >"$tmp/result" ||
		die "post $* to $name: exit $?"
}

# --- Sections ----------------------------------------------------------------

fan() { # fan KEY TARGET OPTION...
	local key=$1 target=$2
	shift 2
	load "$target" --duration "$duration" "$@"
	keep "$key.rate.$target" deliveriesPerSecond
	keep "$key.cpu.$target" server.cpuNsPerDelivery
	keep "$key.update.$target" server.cpuNsPerUpdate
}

# Small receive buffer: a plain publisher. Large: wsd.v1.bulk, many lines in a
# frame. The subscribers are plain in both, so that the frames are the same.
fanout() {
	local n t round
	for n in 100 1000; do
		for ((round = 0; round < rounds; round++)); do
			for t in "${targets[@]}"; do
				fan "$n.plain" "$t" --subscribers "$n"
			done
			fan "$n.bulk" wsd --subscribers "$n" \
				--publish-dialect bulk
		done
		for t in plain bulk; do
			compare "$n subscribers, $t publisher: deliveries" \
				"$n.$t.rate" sketch /s '>= 6' "$n.plain.rate"
			compare "$n subscribers, $t publisher: CPU a delivery" \
				"$n.$t.cpu" floor ns '<= 1.3' "$n.plain.cpu"
		done
	done
}

single() {
	local t round
	for ((round = 0; round < rounds; round++)); do
		for t in "${targets[@]}"; do
			fan one "$t" --subscribers 1
		done
	done
	compare '1 subscriber, plain: CPU an update' one.update sketch ns \
		'<= 0.5'
}

# Real lines for the pipelines: 128 bytes of JSON each.
make_lines() {
	[ -s "$tmp/lines" ] || awk -v n="$lines" 'BEGIN {
		pad = sprintf("%95s", ""); gsub(/ /, "x", pad)
		for (i = 0; i < n; i++)
			printf "{\"sequence\":\"%08d\",\"pad\":\"%s\"}\n", i,
				pad}' >"$tmp/lines"
}

seconds_since() {
	awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}'
}

per_second() { # per_second SECONDS: of the lines
	awk -v n="$lines" -v s="$1" 'BEGIN {print n / s}'
}

# The sketch gets one frame an update and need not acknowledge: a PING behind
# them tells when it has read all. Both ways to feed it are held to the bar,
# since they differ by far: with a system call for each frame it is the load
# that limits (floor gets no more), with many frames a send it is the sketch.
feed_sketch() {
	[ -n "${pid[sketch]:-}" ] || return 0
	load sketch --subscribers 0 --no-ack --count "$lines" --send-each
	keep ingest.rate.sketch updatesPerSecond
	load sketch --subscribers 0 --no-ack --count "$lines"
	keep packed.rate.sketch updatesPerSecond
}

feed_wsd() {
	local start=$EPOCHREALTIME
	taskset -c "$LOAD_CORE" "$BIN/wspub" -q -u "${url[wsd]}" \
		-f "$tmp/lines" ingest || die "wspub: exit $?"
	add ingest.rate.wsd "$(per_second "$(seconds_since "$start")")"
}

ingest() {
	local round
	make_lines
	for ((round = 0; round < rounds; round++)); do
		feed_sketch
		feed_wsd
	done
	compare "wspub, $lines lines, acknowledged; sketch fed a send a frame" \
		ingest.rate sketch /s '>= 3'
	compare "the same; sketch fed many frames a send" ingest.rate sketch \
		/s '>= 3' packed.rate
	absolute "wspub, $lines lines, acknowledged" ingest.rate /s '>= 700000'
}

restart_wsd() { # restart_wsd OPTION...
	wsd_options=("$@")
	stop wsd
	start wsd
}

# As above, and a wssub that writes all of it to a file.
pipe_wsd() {
	local ready=$tmp/wssub.ready start
	[ -p "$ready" ] || mkfifo "$ready"
	exec {fd}<>"$ready"
	taskset -c "$LOAD_CORE" "$BIN/wssub" -q -u "${url[wsd]}" -c "$lines" \
		-W 60 --ready-fd 3 pipeline 3>"$ready" >"$tmp/received" &
	pid[wssub]=$!
	read -r -t 10 <&"$fd" || die "wssub did not subscribe"
	exec {fd}>&-
	start=$EPOCHREALTIME
	taskset -c "$LOAD_CORE" "$BIN/wspub" -q -u "${url[wsd]}" \
		-f "$tmp/lines" pipeline || die "wspub: exit $?"
	wait "${pid[wssub]}" || die "wssub: exit $?"
	unset "pid[wssub]"
	add pipeline.rate.wsd "$(per_second "$(seconds_since "$start")")"
	cmp -s "$tmp/lines" "$tmp/received" ||
		die "wssub did not write what wspub published"
}

# wspub is faster than wssub, so wssub falls behind, and with the default
# --max-lag it would be cut off as too slow, as it should.
pipeline() {
	local round
	make_lines
	restart_wsd --max-lag 1G
	for ((round = 0; round < rounds; round++)); do
		pipe_wsd
	done
	restart_wsd
	absolute 'with a wssub that writes a file: updates' pipeline.rate /s \
		'>= 300000'
}

latency() {
	local t round
	for ((round = 0; round < rounds; round++)); do
		for t in "${targets[@]}"; do
			load "$t" --subscribers 100 --rate 1000/s \
				--duration "$duration"
			keep "p50.$t" latencyNs.p50
			keep "p99.$t" latencyNs.p99
		done
	done
	compare '1000 updates/s to 100 subscribers: p50' p50 sketch ns '<= 1'
	compare '1000 updates/s to 100 subscribers: p99' p99 sketch ns '<= 1'
}

# A fresh server each time: memory that an earlier run left would be reused.
idle() {
	local t round n=$idle limit
	limit=$(($(ulimit -Hn) - 100))
	[ "$n" -le "$limit" ] || n=$limit
	for ((round = 0; round < rounds; round++)); do
		for t in "${targets[@]}"; do
			stop "$t"
			start "$t"
			load "$t" --subscribers "$n" --idle --duration 1s
			keep "connect.$t" connectNs
			keep "rss.$t" server.rssPerConnection
		done
	done
	absolute "$n idle subscribers: resident memory each" rss B '<= 3072'
	compare "$n idle subscribers: to connect them" connect sketch ns '<= 1'
}

json() {
	local corpus=$MODULES/@octokit/webhooks-examples/api.github.com
	[ -s "$corpus/index.json" ] || {
		echo "bench: no webhook payloads in $MODULES: no json" >&2
		return 0
	}
	jq -c '.[].examples[]' "$corpus/index.json" >"$tmp/payloads"
	taskset -c "$LOAD_CORE" "$BUILD/bench/jsonbench" -J -r "$json_rounds" \
		"$tmp/payloads" >"$tmp/result"
	keep json.wsd 'json_check * 1000000'
	keep json.simdjson 'simdjson * 1000000'
	keep json.yajl 'yajl * 1000000'
	compare 'JSON scanner, webhook payloads: bytes' json simdjson /s \
		'>= 0.5'
	compare 'JSON scanner, webhook payloads: bytes' json yajl /s '>= 5'
}

# Who follows by HTTP, beside as many WebSockets, whose frames are bare, too.
sse() {
	local round n
	for ((round = 0; round < rounds; round++)); do
		for n in 100 1000; do
			fan "sse$n" wsd --subscribers "$n" --dialect sse
			fan "sse$n.frames" wsd --subscribers "$n"
			samples[sse$n.cpu.frames]=${samples[sse$n.frames.cpu.wsd]}
			samples[sse$n.rate.frames]=${samples[sse$n.frames.rate.wsd]}
		done
		restart_wsd
		load wsd --subscribers "$idle" --idle --duration 1s --dialect sse
		keep sse.rss.wsd server.rssPerConnection
	done
	for n in 100 1000; do
		compare "server-sent events, $n subscribers: CPU a delivery" \
			"sse$n.cpu" frames ns '<= 1.3'
		compare 'the same: deliveries' "sse$n.rate" frames /s ''
	done
	absolute "$idle idle event streams: resident memory each" sse.rss B \
		'<= 2048'
	restart_wsd
}

# cut: what wsd did not deliver to subscribers that it has cut off as slow.
cut() {
	metric 'wsd_deliveries_dropped_total{reason="slow"}'
}

# post_lines_to SERVER SUBSCRIBERS: fails when it cut one off, since the load's
# core was busy with the bodies; then it had less to do, and that does not count.
# So the subscribers come first there.
post_lines_to() {
	local before post_nice=19
	before=$(cut)
	[ "$2" -eq 0 ] || crowd "$1" --subscribers "$2"
	posts "$1" --body "$tmp/batch" --type application/x-ndjson
	stop crowd
	[ "$(cut)" = "$before" ]
}

# The bodies are those of the pipelines; floor has no HTTP.
post_lines() { # post_lines SUBSCRIBERS
	local t round tries
	for ((round = 0; round < rounds; round++)); do
		for t in "${targets[@]:1}"; do
			tries=0
			until post_lines_to "$t" "$1"; do
				((++tries < 20)) ||
					die "the subscribers of POSTs were cut off each time"
			done
			keep "lines.$1.$t" updatesPerSecond
			keep "lines.$1.cpu.$t" server.cpuNsPerUpdate
		done
	done
	compare "NDJSON POSTs of 1000 updates, $1 subscribers: updates" \
		"lines.$1" sketch /s '>= 3'
	compare 'the same: CPU an update' "lines.$1.cpu" sketch ns ''
}

# Both close behind each answer.
post_one() {
	local t round
	for ((round = 0; round < rounds; round++)); do
		for t in "${targets[@]:1}"; do
			posts "$t" --body "$tmp/one"
			keep "post.$t" postsPerSecond
			keep "post.cpu.$t" server.cpuNsPerPost
		done
	done
	compare 'POSTs of one update, one a connection' post sketch /s '>= 1'
	compare 'the same: CPU a POST' post.cpu sketch ns ''
}

http() {
	make_lines
	head -n 1000 "$tmp/lines" >"$tmp/batch"
	head -n 1 "$tmp/lines" >"$tmp/one"
	post_lines 0
	post_lines 10
	post_one
}

metric() { # metric NAME: of wsd
	local base=${url[wsd]/#ws:/http:}
	curl -sf "${base%/ws}/metrics" | sed -n "s/^$1 //p"
}

# Beside the subscribers that are measured there are as many others, which
# stall, read, or are not there. A flood before the measurement is far more than
# the kernel holds for a connection, so that who stalls has stalled by then. It
# fits into the history, so that the retained stream is the same in all three;
# nobody is too slow or dead.
stall_round() { # stall_round stalled|reading|alone
	local n=$stalled
	restart_wsd --history-size 1G --history-count 1000000 --max-lag 1G \
		--ping 30m --dead-after 1h
	case $1 in
	stalled) crowd wsd --subscribers 0 --stalled "$n" ;;
	reading) crowd wsd --subscribers "$n" ;;
	esac
	load wsd --subscribers 0 --dialect bulk --count "$flood" --size 1k
	load wsd --subscribers "$n" --rate 50/s --duration "$duration"
	[ "$1" != stalled ] ||
		[ "$(metric wsd_deliveries_pending)" -gt $((n * flood / 2)) ] ||
		die 'those who should stall do not'
	keep "stall.p99.$1" latencyNs.p99
	keep "stall.cpu.$1" server.cpuNsPerDelivery
	keep "stall.kib.$1" 'server.rssAfter / 1024'
	stop crowd
}

# "The same without stalls" is, for memory, twice as many who all read: a
# connection that is there costs what it costs. It is not so for the p99:
# sparing half of the writes makes it better, whatever stalling costs, so there
# the others are compared with themselves alone.
stalled() {
	local kind round n=$stalled
	for ((round = 0; round < rounds; round++)); do
		for kind in alone reading stalled; do
			stall_round "$kind"
		done
	done
	restart_wsd
	add stall.more.wsd "$(difference stall.kib.stalled stall.kib.reading)"
	absolute "$n of $((2 * n)) subscribers stalled: memory above all reading" \
		stall.more KiB '<= 4096'
	samples[stall.p99.wsd]=${samples[stall.p99.stalled]}
	samples[stall.cpu.wsd]=${samples[stall.cpu.stalled]}
	compare "$n subscribers beside $n stalled: p99" stall.p99 alone ns \
		'<= 1.1'
	compare 'the same: CPU a delivery' stall.cpu alone ns ''
}

# One update at a time, from a publisher to a subscriber. The crowd has other
# tenants, one each. Its pings, if any are due, are part of it.
roundtrip() {
	local n round most=$crowd limit
	limit=$(($(ulimit -Hn) - 100))
	[ "$most" -le "$limit" ] || most=$limit
	for ((round = 0; round < rounds; round++)); do
		for n in 10 "$most"; do
			restart_wsd
			crowd wsd --subscribers "$n" --tenants "$n" \
				--prefix idle- --source-addresses 4
			load wsd --window 1 --duration "$duration"
			stop crowd
			keep "trip.among $n" latencyNs.p50
		done
	done
	restart_wsd
	samples[trip.wsd]=${samples[trip.among $most]}
	compare "an update's round trip among $most idle connections: p50" \
		trip 'among 10' ns '<= 1.5'
}

# The scripts of tests/tools/hostile.c, a second of each, beside a publisher and
# a subscriber that are as without. The hostile ones have what these leave of
# the processor, as they would have one of their own.
attack() { # attack SCRIPT
	local ready=$tmp/attack.ready
	[ -p "$ready" ] || mkfifo "$ready"
	exec {fd}<>"$ready"
	taskset -c "$LOAD_CORE" chrt --idle 0 "$BUILD/bench/hostile" -t 600 \
		"${url[wsd]}" "$1" >"$ready" &
	pid[attack]=$!
	read -r -t 60 <&"$fd" || die "$1 did not begin"
	exec {fd}>&-
}

hostile_round() {
	local script
	for script in none "${scripts[@]}"; do
		[ "$script" = none ] || attack "$script"
		load wsd --rate 500/s --duration 1s --dialect v1
		stop attack
		keep "hostile.$script" latencyNs.p99
	done
}

# Of all scripts the one in the middle is shown, and the worst.
hostile() {
	local script round
	local -a scripts order
	read -ra scripts <<<"${hostile_scripts//$'\n'/ }"
	for ((round = 0; round < rounds; round++)); do
		hostile_round
	done
	mapfile -t order < <(for script in "${scripts[@]}"; do
		echo "$(ratio "hostile.$script" hostile.none) $script"
	done | sort -g)
	for round in $((${#order[@]} / 2)) $((${#order[@]} - 1)); do
		script=${order[round]#* }
		samples[hostile.wsd]=${samples[hostile.$script]}
		compare "500 updates/s beside hostile peers ($((round + 1)) of ${#order[@]}: '$script'): p99" \
			hostile none ns '<= 1.2'
	done
}

# --- The run -----------------------------------------------------------------

build() {
	mkdir -p "$BUILD/bench"
	"${CC:-cc}" -std=c11 -O2 -D_GNU_SOURCE -Ilib -o "$BUILD/bench/floor" \
		tests/bench/floor.c lib/wsframe.c
	[[ " $* " != *' http '* ]] ||
		"${CC:-cc}" -std=c11 -O2 -D_GNU_SOURCE -Ilib \
			-o "$BUILD/bench/post" tests/bench/post{,conn}.c \
			"$BUILD/libdomain.a"
	[[ " $* " != *' redis '* ]] ||
		"${CC:-cc}" -std=c11 -O2 -D_GNU_SOURCE -Ilib \
			-o "$BUILD/bench/redisload" \
			tests/bench/redis{load,feed}.c \
			"$BUILD"/lib{adapters,domain}.a -lssl -lcrypto
	[[ " $* " != *' hostile '* ]] ||
		"${CC:-cc}" -std=c11 -O2 -D_GNU_SOURCE -Ilib \
			-o "$BUILD/bench/hostile" \
			tests/tools/{hostile,hostilescripts,wire}.c \
			lib/{wsframe,buf,num,clock}.c
	[[ " $* " != *' json '* ]] ||
		"${CXX:-c++}" -std=c++17 -O2 -Ilib -o "$BUILD/bench/jsonbench" \
			tests/bench/jsonbench.cc "$BUILD/libdomain.a" \
			-lsimdjson -lyajl
}

bun=$MODULES/.bin/bun
[ "$(nproc)" -gt 1 ] || die 'needs two cores'
[ $# -gt 0 ] || set -- fanout single ingest pipeline latency idle json http \
	sse stalled roundtrip hostile redis access console tls
build "$@"
targets=(floor)
if "$bun" --version >/dev/null 2>&1; then
	targets+=(sketch)
else
	echo "bench: bun is not in $MODULES: nothing beside the sketch" >&2
fi
targets+=(wsd)
for t in "${targets[@]}"; do
	start "$t"
done
echo '| figure | wsd | beside it | ratio | bar | |'
echo '|---|---|---|---|---|---|'
for section; do
	"$section"
done
echo
echo "$passed of $((passed + missed)) bars reached; $rounds rounds of" \
	"$duration; $(uname -sr), $(nproc) cores"
