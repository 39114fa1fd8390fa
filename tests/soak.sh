#!/bin/bash
# Lets peers of every kind come, go and misbehave for SOAK_SECONDS (300): those
# of tests/tools/hostile.c in turn, and beside them good ones, who must get all
# that they are due once and in order. Whenever all have left, the ledger has to
# add up with nothing pending, and at the end wsd must have no more descriptors
# and hardly more memory than after the first time that all had been there.
# Prints a line for each time.
#
#   SOAK_SECONDS=60 tests/soak.sh
#
# The programs are taken from the directory BIN.
# shellcheck disable=SC2154 # what start_wsd sets
set -eu -o pipefail
cd "$(dirname "$0")/.."

# What the tests have is used here too, without bats.
# shellcheck disable=SC2034 # it is for them
BATS_TEST_DIRNAME=$PWD/tests
BATS_TEST_TMPDIR=$(mktemp -d)
# shellcheck disable=SC2034
BATS_FILE_TMPDIR=$BATS_TEST_TMPDIR
# shellcheck disable=SC2034
BATS_TEST_TIMEOUT=$((${SOAK_SECONDS:-300} + 600))
# shellcheck source=tests/helper.bash
. tests/helper.bash
# shellcheck source=tests/hostile.bash
. tests/hostile.bash

# Memory that may come and go, in KiB.
slack=6144

attacks=(
	'half-handshake -n 200' 'slow-handshake -n 20 -i 50'
	'slow-frame -n 20 -i 50' endless-frame endless-message
	'half-message -n 20' 'subscriptions -n 4' again replays pings
	deaf-pings requests 'deaf -n 50' deaf-publisher publisher
	'crowd -n 200' reset junk junk-bytes junk-frames gets posts follows
	deaf-follows
	'big -b 100000 -i 5' 'hoard -c 200 -k -b 100000'
)

finish() {
	teardown
	rm -rf "$BATS_TEST_TMPDIR"
}

# HTTP, plain and wsd.v1, publishers and subscribers that come and go.
good_ones() {
	"$BIN/wsbench" -q -u "$url" --dialect "$1" --subscribers 40 \
		--publishers 3 --tenants 10 --rate 2000/s --duration 200ms \
		>/dev/null
	"$BIN/wssub" -u "$url" -q --since all -c 1 bench-0 >"$BATS_TEST_TMPDIR/1"
	"$BIN/wspub" -u "$url" -q soak 1 2 3
	curl -sf -d '{"by":"curl"}' "$http/v1/tenants/soak/updates" >/dev/null
}

# Each attack once, four at a time, and good ones beside them.
cycle() {
	local i j n=${#attacks[@]} words

	for ((i = 0; i < n; i += 4)); do
		for ((j = i; j < i + 4 && j < n; j++)); do
			read -ra words <<<"${attacks[j]}"
			attack "${words[@]}"
		done
		good_ones "$( ((i % 8)) && echo plain || echo v1)"
		cease >/dev/null
	done
}

# Sets `memory` and `descriptors` to what wsd has while nobody is there.
look() {
	all_left
	until [[ $(metric 'wsd_memory_bytes{kind="segments"}') == 0 ]]; do
		again # history expires
	done
	memory=$(kib VmRSS)
	descriptors=$(metric process_open_fds)
	printf '%5d s: %d updates, %d connections, %d KiB, %d descriptors\n' \
		"$SECONDS" "$(metric wsd_updates_published_total)" \
		"$(metric wsd_connections_accepted_total)" "$memory" \
		"$descriptors"
}

trap finish EXIT
build_hostile
start_wsd --max-memory 64M --history-age 1s --handshake-timeout 1s \
	--message-timeout 2s
cycle
look
first_memory=$memory
first_descriptors=$descriptors
until=$((SECONDS + ${SOAK_SECONDS:-300}))
while ((SECONDS < until)); do
	cycle
	look
done
# The address sanitizer keeps what is freed.
sanitized && memory=$first_memory
if ((descriptors > first_descriptors || memory > first_memory + slack)); then
	echo "soak: it has grown" >&2
	exit 1
fi
stop_wsd
echo 'soak: nothing was lost, nothing is left'
