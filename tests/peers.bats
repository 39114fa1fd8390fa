#!/usr/bin/env bats
# Who is taken for dead, and who is not; and that such a peer is gone at once.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup_file() {
	local root=$BATS_TEST_DIRNAME/..

	sip=$BATS_FILE_TMPDIR/sip
	export sip
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -I"$root/lib" -o "$sip" \
		-DWIRE_TLS "$root"/tests/tools/{sip,wire,wiretls}.c \
		"$root/lib/wsframe.c" -lssl -lcrypto
}

# sips BYTES MS TOTAL [REQUESTS]: a subscriber that does so; sets PID.
sips() {
	local fifo=$BATS_TEST_TMPDIR/sips

	mkfifo "$fifo"
	exec 6<>"$fifo"
	start "$sip" "$url" "$@" >"$fifo" 6<&-
	read -r _ <&6
	exec 6<&-
}

# flood N: so many updates of 100 kB.
flood() {
	head -c 100000 /dev/zero | tr '\0' x | sed 's/.*/"&"/' \
		>"$BATS_TEST_TMPDIR/update"
	for ((i = 0; i < $1; i++)); do
		curl -sf --data-binary "@$BATS_TEST_TMPDIR/update" \
			"$http/v1/tenants/t/updates" >/dev/null
	done
}

descriptors() {
	find "/proc/$wsd/fd" | wc -l
}

# soon COMMAND...: it comes true within 5 seconds, long before lws would give
# up by itself. Nothing that it does may wake wsd.
soon() {
	local end=$((SECONDS + 5))

	until "$@"; do
		((SECONDS < end))
		again
	done
}

are_open() {
	(($(descriptors) == $1))
}

@test "a peer that reads steadily, but slowly, is not dead" {
	start_wsd --ping 300ms --dead-after 1s --sndbuf 256k --max-lag 64M
	sips 4096 40 300000
	flood 8
	wait "$PID"
	[[ $(grep -c dead "$wsd_log") == 0 ]]
}

# There a write counts as taken only when all of it is: so it must be short.
@test "over a Unix socket neither" {
	start_wsd --listen "unix:$BATS_TEST_TMPDIR/s" --listen 127.0.0.1:0 \
		--ping 300ms --dead-after 1s --sndbuf 16k --max-lag 64M
	sips 4096 40 300000
	http=${urls[1]/#ws/http}
	http=${http%/ws}
	flood 8
	wait "$PID"
	[[ $(grep -c dead "$wsd_log") == 0 ]]
}

@test "a peer that takes nothing is dead, and gone, though all else is quiet" {
	start_wsd -v --ping 200ms --dead-after 600ms --sndbuf 8k
	before=$(descriptors)
	sips 0 0 1
	flood 3
	soon are_open "$before"
	grep -q "connection 1 is dead" "$wsd_log"
}

@test "one that does not read its answers is dead, though it was stopped" {
	start_wsd -v --ping 200ms --dead-after 600ms --sndbuf 4k
	before=$(descriptors)
	sips 0 0 1 5000
	soon are_open "$before"
	grep -q "connection 1 is dead" "$wsd_log"
}

@test "who is too slow is gone after its 5 seconds, though all else is quiet" {
	start_wsd -v --sndbuf 8k --max-lag 100k
	before=$(descriptors)
	sips 0 0 1
	flood 4
	grep -q "connection 1 is closed with 4108" "$wsd_log"
	node -e 'setTimeout(() => {}, 4000)' # the time in which it may answer
	soon are_open "$before"
}

# slowed OPTION...: a publisher that has more to say than the rate allows.
slowed() {
	start_wsd --ping 200ms --dead-after 500ms "$@"
	for i in {1..40}; do
		echo "{\"type\":\"PUBLISH\",\"id\":$i,\"tenantId\":\"t\",\"data\":1}"
	done >"$BATS_TEST_TMPDIR/in"
	raw <<-END
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a bundle $BATS_TEST_TMPDIR/in
		a until {"type":"ACK","id":40}
		a idle
	END
}

@test "who is slowed down by --connection-rate is not dead" {
	slowed --connection-rate 15
}

@test "nor by --connection-bytes, nor is its message late" {
	slowed --connection-bytes 700 --message-timeout 400ms
}
