#!/usr/bin/env bats
# Peers that mean harm, and beside them good ones, who must notice nothing: all
# that they are due comes once and in order, and is not later than without. See
# tests/tools/hostile.c for what the scripts do.
# shellcheck disable=SC2154 # what start_wsd and build_hostile set

load helper
load hostile

setup_file() {
	build_hostile
}

@test "beside peers that take their time" {
	start_under turns TURNS --max-half-open 200
	beside 'half-handshake -n 400 -i 50' 'slow-handshake -i 20' \
		'slow-frame -i 20' endless-frame endless-message
	[[ $(metric 'wsd_refused_total{reason="handshakes"}') -gt 0 ]]
	[[ $(metric 'wsd_refused_total{reason="too_large"}') -gt 0 ]]
	turns_take 3000
}

@test "beside peers that want much" {
	start_under turns TURNS
	beside subscriptions again replays pings
	[[ $(metric 'wsd_refused_total{reason="subscriptions"}') -gt 0 ]]
	turns_take 3000
}

@test "beside peers that don't read" {
	start_under turns TURNS
	beside deaf-pings requests deaf deaf-publisher
	turns_take 3000
}

@test "beside peers that break off, and nonsense" {
	start_under turns TURNS
	beside reset junk junk-bytes junk-frames
	turns_take 3000
}

@test "beside many requests of HTTP in one piece" {
	start_under turns TURNS
	beside gets posts
	turns_take 3000
}

@test "beside updates as large as they may be, and as many" {
	start_under turns TURNS --max-message 128k
	beside 'big -b 131072' publisher 'half-message -b 131072'
	[[ $(metric 'wsd_refused_total{reason="too_large"}') -gt 0 ]]
	turns_take 3000
}
