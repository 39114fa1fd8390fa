#!/usr/bin/env bats
# Memory that ends: whatever wsd asks for is refused once, and whoever it was
# for may be lost. The next one is served, no descriptor is left over, and wsd
# still drains and exits 0.
# shellcheck disable=SC2154,SC2034 # what start_wsd and build_hostile set, or take
# shellcheck disable=SC2030,SC2031 # said: each test has its own

load helper
load hostile

setup_file() {
	build_hostile
}

setup() {
	! sanitized || skip 'nothing can be preloaded'
	order=$BATS_TEST_TMPDIR/nomemory
	trap '' PIPE # to whom it writes may be gone
}

# start_scarce [COMMAND...]: a wsd, executed by this command, to which memory
# can be refused; sets `before` to how many descriptors it has.
start_scarce() {
	printf '0000.' >"$order"
	wsd_under=("$@" env "LD_PRELOAD=$nomemory" "NOMEMORY=$order")
	start_wsd --listen 127.0.0.1:0
	count_descriptors
	before=$open
}

# refuse N SIGN: the Nth thing that wsd asks for from now on; see nomemory.c.
refuse() {
	printf '%04d%s' "$1" "$2" 1<>"$order"
}

# Whether it has come to it.
came_to_it() {
	local left

	IFS= read -rn 4 left <"$order"
	[[ $left == 0000 ]]
}

# Waits until it comes to it, which it does.
comes_to_it() {
	until came_to_it; do
		kill -0 "$wsd" # or it has ended
		again
	done
}

# Sets `open` to how many descriptors it has.
count_descriptors() {
	local all=("/proc/$wsd/fd"/*)

	open=${#all[@]}
}

# Waits until there are so many.
descriptors_are() {
	until count_descriptors && ((open == $1)); do
		kill -0 "$wsd" # or it has ended
		again
	done
}

# All of its peers have left, and taken with them what was theirs.
nothing_left() {
	descriptors_are "$before"
	all_left
	descriptors_are "$before"
}

# each_refused SIGN COMMAND...: for each N that this client can bring a wsd to,
# which is a new one and has one update.
each_refused() {
	local sign=$1 n open before status

	shift
	for ((n = 1; ; n++)); do
		start_scarce
		"$BIN/wspub" -q -u "$url" t 1
		descriptors_are "$before"
		refuse "$n" "$sign"
		status=0
		"$@" -q -u "$url" -W 5 t 2>/dev/null || status=$?
		came_to_it || break
		refuse 0 . # there is memory again
		echo "$n: $status" # is shown when this fails
		((status != 124))
		"$BIN/wspub" -q -u "$url" -W 5 t 2
		nothing_left
		stop_wsd
	done
	echo "# $((n - 1)) times"
	((status == 0 && n > 12))
}

publish() {
	"$BIN/wspub" --no-retry "$@" 1
}

subscribe() {
	"$BIN/wssub" --no-reconnect --since all -c 1 "$@" >/dev/null
}

# follow [OPTION...]: by HTTP, in this test's `as`, until the update that is there
# has come.
follow() {
	local status=1 line follower pid

	exec {follower}< <(exec curl -sN -m 5 -H "Accept: $as" \
		"$http/v1/tenants/t/updates?since=all")
	pid=$!
	while IFS= read -r -t 10 line <&"$follower"; do
		[[ $line != @(1|'data: 1') ]] || {
			status=0
			break
		}
	done
	kill "$pid" 2>/dev/null || true
	wait "$pid" || (($? != 28)) || status=124 # its time is up
	exec {follower}<&-
	return "$status"
}

@test "one thing of all that a publisher takes is refused" {
	each_refused . publish
}

@test "one of all that a subscriber takes" {
	each_refused . subscribe
}

@test "one of all that a follower by HTTP takes" {
	as=text/event-stream each_refused . follow
}

@test "the same of one who reads lines" {
	as=application/x-ndjson each_refused . follow
}

@test "one, and all that follow, until the publisher has gone" {
	each_refused + publish
}

@test "until the subscriber has gone" {
	each_refused + subscribe
}

@test "until the follower has gone" {
	as=text/event-stream each_refused + follow
}

# dial: a connection of its own; sets `peer`, its descriptor.
dial() {
	local port=${url#*127.0.0.1:}

	exec {peer}<>"/dev/tcp/127.0.0.1/${port%/ws}"
}

# shake: the peer asks for a WebSocket, and hears something, or the end.
shake() {
	local status=0

	{
		printf '%s\r\n' 'GET /ws HTTP/1.1' 'Host: localhost' \
			'Upgrade: websocket' 'Connection: Upgrade' \
			'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
			'Sec-WebSocket-Version: 13' '' >&"$peer" || true
		read -r -t 5 _ <&"$peer" || status=$?
	} 2>/dev/null
	((status < 128)) # or it waits in vain
}

# Above descriptor 61 the table of libuv has to grow.
@test "one of all that a handshake takes, and descriptors are more than ever" {
	local open before n peer peers

	for n in {1..8}; do
		# shellcheck disable=SC2016 # it is for that bash
		start_scarce bash -c '
			for ((fd = 24; fd < 62; fd++)); do
				eval "exec $fd</dev/null"
			done
			exec "$@"' _
		[[ ! -e /proc/$wsd/fd/62 ]]
		peers=()
		until [[ -e /proc/$wsd/fd/62 ]]; do
			dial
			peers+=("$peer")
			descriptors_are $((before + ${#peers[@]}))
		done
		refuse "$n" .
		shake
		comes_to_it
		for peer in "${peers[@]}"; do
			exec {peer}<&-
		done
		nothing_left
		stop_wsd
	done
}

# What is in reserve is needed once, and cannot be had again.
@test "one of all that a handshake takes, and one of all that the next takes" {
	local open before first second n peer

	start_scarce
	for first in {1..8}; do
		for second in {1..8}; do
			for n in "$first" "$second"; do
				refuse "$n" .
				dial
				shake
				comes_to_it
				exec {peer}<&-
				descriptors_are "$before"
			done
		done
	done
	nothing_left
	[[ $(metric wsd_connections_accepted_total) -gt 128 ]]
}

# each_refused_once COMMAND...: over TLS it takes hundreds of things to shake
# hands, so each fifth is refused, and all by the same wsd.
each_refused_once() {
	local n open before status

	make_tls "$BATS_TEST_TMPDIR/tls"
	WSD_TLS=$BATS_TEST_TMPDIR/tls start_scarce
	"$BIN/wspub" -q -u "$url" t 1
	descriptors_are "$before"
	for ((n = 1; ; n += 5)); do
		refuse "$n" .
		status=0
		"$@" -q -u "$url" -W 5 t 2>/dev/null || status=$?
		came_to_it || break
		refuse 0 . # there is memory again
		echo "$n: $status" # is shown when this fails
		((status != 124))
		descriptors_are "$before"
	done
	refuse 0 .
	echo "# up to $n"
	((status == 0 && n > 200))
	"$BIN/wspub" -q -u "$url" -W 5 t 2
	nothing_left
}

@test "over TLS: one thing of all that a publisher takes" {
	each_refused_once publish
}

@test "over TLS: one of all that a follower by HTTP takes" {
	as=text/event-stream each_refused_once follow
}

@test "over TLS: one of all that a subscriber takes" {
	each_refused_once subscribe
}
