#!/usr/bin/env bats
# Peers that mean harm, and beside them good ones, who must notice nothing: all
# that they are due comes once and in order, and no turn of wsd keeps them
# waiting. See tests/tools/hostile.c for what the scripts do, and the section
# "hostile" of tests/bench/run.sh for how late things come.
# shellcheck disable=SC2154 # what start_wsd and build_hostile set

load helper
load hostile

setup_file() {
	build_hostile
}

@test "beside peers that take their time" {
	start_under turns TURNS --max-connections 300 --max-half-open 100
	beside 'half-handshake -n 400 -i 50' 'slow-handshake -i 20' \
		'slow-frame -i 20' endless-frame endless-message
	[[ $(metric 'wsd_refused_total{reason="handshakes"}') -gt 0 ]]
	[[ $(metric 'wsd_refused_total{reason="too_large"}') -gt 0 ]]
	turns_take 5000
}

@test "beside peers that want much" {
	start_under turns TURNS
	beside subscriptions again replays pings
	[[ $(metric 'wsd_refused_total{reason="subscriptions"}') -gt 0 ]]
	turns_take 5000
}

@test "beside peers that don't read" {
	start_under turns TURNS
	beside deaf-pings requests deaf deaf-publisher
	turns_take 5000
}

@test "beside peers that break off, and nonsense" {
	start_under turns TURNS
	beside reset junk junk-bytes junk-frames
	turns_take 5000
}

@test "beside many requests of HTTP in one piece" {
	start_under turns TURNS
	beside gets posts
	turns_take 5000
}

@test "beside peers that follow by HTTP, and break off or don't read" {
	start_under turns TURNS
	beside follows deaf-follows
	turns_take 5000
}

@test "beside updates as large as they may be, and as many" {
	start_under turns TURNS --max-message 128k
	beside 'big -b 131072' publisher 'half-message -b 131072'
	[[ $(metric 'wsd_refused_total{reason="too_large"}') -gt 0 ]]
	turns_take 5000
}

@test "a million pings, whether their answers are read or not" {
	start_wsd
	for script in pings deaf-pings; do
		attack "$script" -n 1 -c 1000000 -t 50
		slice
		attacks_end
		all_left
	done
	sanitized || (($(kib VmHWM) < 16 * 1024))
}

@test "10 000 SUBSCRIBEs on one connection, and on each of twenty" {
	start_wsd
	attack subscriptions -k -n 1 -c 10000
	until [[ $(metric wsd_subscriptions) == 1000 &&
		$(metric 'wsd_refused_total{reason="subscriptions"}') == 9000 ]]; do
		again
	done
	cease
	all_left
	attack subscriptions -k -n 20 -c 200000
	until [[ $(metric wsd_subscriptions) == 20000 ]]; do
		again
	done
	slice
	cease
	all_left
}

@test "who never reads is closed with 4108, and the ledger knows it" {
	start_wsd --max-lag 64k
	attack deaf -n 20 -i 60000
	slice --size 10000
	[[ $(metric 'wsd_refused_total{reason="slow"}') == 20 ]]
	[[ $(metric 'wsd_deliveries_dropped_total{reason="slow"}') -gt 0 ]]
	cease
	all_left
}

@test "a publisher that never reads its ACKs costs nothing" {
	start_wsd --sndbuf 8k # so that they soon wait
	slice # so that all is there that takes memory
	before=$(kib VmRSS)
	attack deaf-publisher -n 4 -k -c 400000
	until [[ $(metric wsd_updates_published_total) -gt 400000 ]]; do
		again
	done
	(($(metric 'wsd_memory_bytes{kind="output"}') < 4096))
	echo "# $(kib VmRSS) KiB, before $before KiB"
	sanitized || (($(kib VmRSS) < before + 8192)) # with history
	cease
	all_left
}

@test "hostile peers do not keep a server from its end" {
	start_wsd --drain-timeout 1s
	for script in half-handshake half-message deaf requests junk-frames; do
		attack "$script" -n 20
	done
	slice
	began=$EPOCHREALTIME
	stop_wsd
	((${EPOCHREALTIME/./} - ${began/./} < 10000000))
}

@test "ten seconds of coming and going leave nothing behind" {
	SOAK_SECONDS=10 "$BATS_TEST_DIRNAME/soak.sh"
}
