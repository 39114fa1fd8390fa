#!/usr/bin/env bats
# What a server endures without being harmed: few descriptors, little memory,
# processes that stand still, clocks that jump, crowds and stalls.
# shellcheck disable=SC2154,SC2034 # what start_wsd and build_hostile set, or take
# shellcheck disable=SC2030,SC2031 # said: each test has its own

load helper
load hostile

setup_file() {
	build_hostile
}

# For so many seconds; the time that passes is what is tested.
pass() {
	node -e "setTimeout(() => {}, 1000 * $1)"
}

@test "64 descriptors and 200 peers: who is there is served, then all are" {
	wsd_under=(bash -c 'ulimit -n 64 && exec "$@"' _)
	start_wsd --listen 127.0.0.1:0
	converse --no-reconnect
	for script in half-handshake deaf reset gets; do
		attack "$script" -n 200 -i 20
		for i in 1 2 3 4 5; do
			say "$script $i"
		done
		cease
		until slice --subscribers 20 2>/dev/null; do
			again # connections that have ended may count for a moment
		done
	done
	all_heard
	all_left
}

@test "64 MiB of memory and a flood of all that takes some" {
	start_wsd --max-memory 64M --max-lag 4M
	converse --no-reconnect
	attack half-message -n 60
	attack hoard -k -c 200 -b 400000
	attack subscriptions -n 30 -i 50
	attack requests -n 50 -i 50
	attack deaf -n 100
	attack publisher -i 20
	"$BIN/wsbench" -u "$url" --dialect v1 --publish-dialect bulk \
		--size 300000 -c 60 --rate 60/s
	for i in {1..20}; do
		say "$i"
		ledger_adds_up
	done
	[[ $(metric 'wsd_errors_total{code="OVER_CAPACITY"}') -gt 0 ]]
	[[ $(metric 'wsd_refused_total{reason="memory"}') -gt 0 ]]
	[[ $(metric 'wsd_refused_total{reason="slow"}') -gt 0 ]]
	cease
	all_heard
	all_left
	slice
	echo "# at most $(kib VmHWM) KiB"
	sanitized || (($(kib VmHWM) < (64 + 24) * 1024))
}

@test "a server that was stopped has lost nobody and nothing" {
	start_wsd --ping 500ms --dead-after 1s
	converse --no-reconnect
	say before
	kill -STOP "$wsd"
	printf '"%s"\n' 1 2 3 >&9
	said+=('"1"' '"2"' '"3"')
	pass 2
	kill -CONT "$wsd"
	say after
	all_heard
	[[ $(metric 'wsd_refused_total{reason="dead"}') == 0 ]]
}

# stopped_reader [OPTION...]: wsd with these options; a reader that stands still
# while it is due 4 MB, more than its socket takes.
stopped_reader() {
	start_wsd "$@"
	converse
	say before
	kill -STOP "$listener"
	seq 100000 140000 | awk '{ printf "\"%s%90s\"\n", $1, "" }' \
		>"$BATS_TEST_TMPDIR/lines"
	"$BIN/wspub" -u "$url" -f "$BATS_TEST_TMPDIR/lines" good
	mapfile -t -O "${#said[@]}" said <"$BATS_TEST_TMPDIR/lines"
}

@test "a reader that was stopped goes on where it was" {
	stopped_reader
	[[ $(metric wsd_deliveries_pending) -gt 0 ]]
	kill -CONT "$listener"
	say after
	all_heard
	all_left
}

@test "a reader that was stopped for too long comes back for what it lacks" {
	stopped_reader --max-lag 64k --history-size 64M --history-count 100000
	[[ $(metric 'wsd_refused_total{reason="slow"}') == 1 ]]
	kill -CONT "$listener"
	say after
	all_heard
	all_left
}

@test "or is told that it is not there any more" {
	stopped_reader --max-lag 64k
	kill -CONT "$listener"
	status=0
	wait "$listener" || status=$?
	((status == 7))
	exec 9<&-
	wait "$speaker"
	all_left
}

@test "when the clock jumps nothing expires, and times are those of the clock" {
	sanitized && skip 'nothing can be preloaded'
	start_under walljump WALLJUMP --ping 1s --dead-after 2s
	converse --no-reconnect
	for day in 0 400 -400; do
		echo $((day * 86400)) >"$BATS_TEST_TMPDIR/walljump"
		"$BIN/wspub" -u "$url" t "\"day $day\""
		dates+=$(date -u -d "$day days" '+%F')$'\n'
		say "day $day"
		pass 1.2 # so that all that looks at clocks has done so
	done
	"$BIN/wspub" -u "$url" t 3
	diff <("$BIN/wssub" -u "$url" -e --since all -c 3 t | jq -r '.time[:10]') \
		- <<<"${dates%?}"
	"$BIN/wssub" -u "$url" --since 1m -c 4 -W 5 t
	all_heard
	[[ $(metric 'wsd_refused_total{reason="dead"}') == 0 ]]
}

@test "a tenant that a thousand watch and one floods does not starve others" {
	start_under turns TURNS
	beside 'crowd -n 1000'
	turns_take 60000 # that they are cut is in test_fanout.c
}

# beside_readers SCRIPT: 200 that do this, and 200 that read; sets `memory` to
# what these take, in KiB, but for what is retained.
beside_readers() {
	start_wsd
	attack "$1" -n 200 -i 0
	"$BIN/wsbench" -u "$url" --dialect v1 --subscribers 200 --size 1000 \
		-c 4000 --rate 4000/s
	memory=$(($(kib VmRSS) -
		$(metric 'wsd_memory_bytes{kind="segments"}') / 1024))
	cease
	all_left
	stop_wsd
}

@test "who stalls takes no more memory than a part of an update" {
	beside_readers watch
	without=$memory
	beside_readers deaf
	echo "# $memory KiB, without $without KiB"
	sanitized || ((memory < without + 1024))
}
