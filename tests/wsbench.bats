#!/usr/bin/env bats
# What wsbench counts, and whom it leaves out.
# shellcheck disable=SC2154 # what start_wsd and run set

load helper

bats_require_minimum_version 1.5.0

setup() {
	T=$BATS_TEST_TMPDIR
}

# bench OPTION...: a run with result in $T/result; its exit status.
bench() {
	"$BIN/wsbench" -u "$url" -J -W 30 "$@" >"$T/result"
}

# holds FILTER: jq finds that it is so of the result.
holds() {
	jq -e "$1" "$T/result" >/dev/null || {
		cat "$T/result"
		return 1
	}
}

# figure NAME: of the server's metrics.
figure() {
	curl -sf "$http/metrics" | sed -n "s/^$1 //p"
}

# quiet: waits until the server has seen that everybody left.
quiet() {
	until [[ $(figure wsd_subscriptions) == 0 ]]; do
		again
	done
}

refuses() {
	run -2 "$BIN/wsbench" -u ws://127.0.0.1:1 "${@:2}"
	[[ $output == *"$1"* ]]
}

@test "every update arrives once at each subscriber, in every dialect" {
	start_wsd
	for dialect in plain v1 bulk; do
		bench --subscribers 7 --publishers 2 --tenants 3 -c 1000 \
			--dialect "$dialect"
		# 3, 2 and 2 subscribers get 250, 500 and 250 updates.
		holds '.updates == 1000 and .lost == 0 and .duplicated == 0'
		holds '.deliveries == 2250 and .cutOff == 0 and .foreign == 0'
	done
}

@test "it answers the pings of a quiet server: nobody is cut off" {
	start_wsd --ping 200ms --dead-after 500ms
	for dialect in plain v1; do
		bench --subscribers 20 --idle --duration 2s --dialect "$dialect"
		holds '.cutOff == 0'
	done
	# Each was pinged more often than it may leave unanswered.
	(($(figure wsd_pings_sent_total) >= 2 * 20 * 4))
	[[ $(figure 'wsd_refused_total{reason="dead"}') == 0 ]]
}

@test "--stalled: they are behind, and the figures are of the others" {
	start_wsd --max-lag 1G
	bench --subscribers 3 --stalled 2 -c 20000 --size 1k
	holds '.stalled == 2 and .stalledCutOff == 0'
	holds '.deliveries == 60000 and .lost == 0 and .cutOff == 0'
	quiet
	# The kernel took less than 2 MiB for each of them.
	(($(figure 'wsd_deliveries_dropped_total{reason="left"}') > 36000))
	(($(figure wsd_deliveries_delivered_total) < 64000))
}

@test "--stalled: that the server ends their connections is no fault" {
	start_wsd --ping 200ms --dead-after 500ms
	bench --subscribers 2 --stalled 5 --rate 200/s --duration 1500ms
	holds '.stalledCutOff == 5 and .cutOff == 0'
	holds '.deliveries == 2 * .updates and .lost == 0'
	run -0 "$BIN/wsbench" -u "$url" --idle --subscribers 0 --stalled 3 \
		--duration 1s
	[[ ${lines[-1]} == "stalled     3  cut off 3" ]]
}

@test "--prefix: the tenants have other names" {
	start_wsd
	bench --prefix a.b- --subscribers 4 --tenants 2 -c 100
	holds '.deliveries == 200 and .foreign == 0'
	[[ $(curl -s "$http/v1/tenants" | jq -c '[.tenants[].tenantId] | sort') == \
		'["a.b-0","a.b-1"]' ]]
}

@test "--ready-fd gets a line when everybody is subscribed" {
	start_wsd
	mkfifo "$T/all-ready"
	exec 8<>"$T/all-ready"
	start "$BIN/wsbench" -u "$url" --idle --subscribers 30 --stalled 10 \
		--duration 1m --ready-fd 8 >/dev/null
	read -r line <&8
	exec 8<&-
	[[ $line == ready ]]
	[[ $(figure wsd_subscriptions) == 40 ]]
}

@test "what cannot be is refused" {
	refuses "--idle: needs --subscribers or --stalled" --idle \
		--subscribers 0
	refuses "--prefix: such tenants cannot be" --prefix 'a b'
	refuses "--prefix: such tenants cannot be" \
		--prefix "$(printf 'x%.0s' {1..128})"
	refuses "--ready-fd: this descriptor is not open" --ready-fd 77
	refuses "--ready-fd: 1 is stdout" --ready-fd 1
	start_wsd
	run -1 "$BIN/wsbench" -u "$url" --idle --ready-fd 9 9>/dev/full
	[[ $output == *"cannot write to --ready-fd 9: No space left"* ]]
}

@test "with a token, where the server asks for one" {
	cd "$BATS_TEST_TMPDIR"
	umask 077
	"$BIN/wstoken" keygen key
	"$BIN/wstoken" make --key key --subscribe 'bench-*' \
		--publish 'bench-*' >token
	start_wsd --jwt-key key
	run -0 "$BIN/wsbench" -u "$url" -c 100 --subscribers 3 --token-file token
	WSD_TOKEN=$(<token) run -0 "$BIN/wsbench" -u "$url" -c 100
	chmod 644 token
	run -2 "$BIN/wsbench" -u "$url" -c 100 --token-file token
}

@test "over TLS: a certificate that is known, or any, and no other" {
	make_tls "$BATS_TEST_TMPDIR/tls"
	unset SSL_CERT_FILE
	WSD_TLS=$BATS_TEST_TMPDIR/tls start_wsd
	for trust in --insecure "--cacert=$BATS_TEST_TMPDIR/tls/cert"; do
		"$BIN/wsbench" -u "$url" "$trust" --subscribers 10 -c 1000 -J |
			jq -e '.deliveries == 10000 and .lost == 0'
	done
	run -3 "$BIN/wsbench" -u "$url" -c 1
	[[ $output == *'not signed by an authority that is known'* ]]
	run -3 "$BIN/wsbench" -u "${url/127.0.0.1/127.0.0.2}" -c 1 \
		"--cacert=$BATS_TEST_TMPDIR/tls/cert"
	run -2 "$BIN/wsbench" -u "$url" -c 1 --cacert /dev/null
	[[ $output == *'no certificate in PEM form'* ]]
	run -3 "$BIN/wsbench" -u "${url/wss/ws}" -c 1
	[[ $output == *"HTTP/1.1 400"* ]]
}
