#!/usr/bin/env bats
# A stalled subscriber's batch is cut while pings are due: no frame is ever
# broken. Where the cut falls depends on the socket and its send buffer.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup_file() {
	local root=$BATS_TEST_DIRNAME/..

	stall=$BATS_FILE_TMPDIR/stall
	export stall
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -I"$root/lib" -o "$stall" \
		-DWIRE_TLS "$root"/tests/tools/{stall,wire,wiretls}.c \
		"$root/lib/wsframe.c" -lssl -lcrypto
}

# stalls LISTEN [OPTION...]: both dialects, with several seeds.
stalls() {
	start_wsd --listen "$@"
	for dialect in plain wsd.v1; do
		for seed in 1 2 3 4 5; do
			echo "$dialect, seed $seed:"
			"$stall" "$url" "$dialect" 200 "$seed"
			stop_wsd # numbers begin anew
			start_wsd --listen "$@"
		done
	done
}

@test "over TCP" {
	stalls 127.0.0.1:0
}

@test "over TCP, the smallest send buffer" {
	stalls 127.0.0.1:0 --sndbuf 4096
}

@test "over a Unix socket" {
	stalls "unix:$BATS_TEST_TMPDIR/s"
}

@test "over a Unix socket, the smallest send buffer" {
	stalls "unix:$BATS_TEST_TMPDIR/s" --sndbuf 4096
}
