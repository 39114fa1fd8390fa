# shellcheck shell=bash
# shellcheck disable=SC2154 # samples, tmp, targets, ...: what run.sh has
# The section `tls` of run.sh: wsd that speaks TLS, and beside it the sketch on
# Bun that does, with the same certificate.

make_certificate() {
	(umask 077 && openssl req -x509 -nodes -subj /CN=localhost -days 2 \
		-addext subjectAltName=IP:127.0.0.1 \
		-newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-keyout "$tmp/tls.key" -out "$tmp/tls.cert" 2>/dev/null) ||
		die 'openssl cannot make a certificate'
}

tls_load() { # tls_load SERVER OPTION...
	load "$@" --cacert "$tmp/tls.cert"
}

tls_fan() { # tls_fan KEY SERVER TARGET OPTION...
	local key=$1 server=$2 target=$3
	shift 3
	tls_load "$server" --duration "$duration" --subscribers 100 "$@"
	keep "tls.rate.$key.$target" deliveriesPerSecond
	keep "tls.cpu.$key.$target" server.cpuNsPerDelivery
}

# A fresh server each time, as in `idle`; of descriptors each connection to wsd
# has three.
tls_idle() { # tls_idle SERVER TARGET
	local limit n=$idle
	limit=$((($(ulimit -Hn) - 100) / 3))
	[ "$n" -le "$limit" ] || n=$limit
	stop "$1"
	start "$1"
	tls_load "$1" --subscribers "$n" --idle --duration 1s
	keep "tls.rss.$2" server.rssPerConnection
	add "tls.connects.$2" "$(jq "$n * 1e9 / .connectNs" "$tmp/result")"
}

tls_round() {
	local t
	for t in "${targets[@]:1}"; do
		tls_fan plain "${t}tls" "$t"
		tls_load "${t}tls" --subscribers 100 --rate 1000/s \
			--duration "$duration"
		keep "tls.p50.$t" latencyNs.p50
		keep "tls.p99.$t" latencyNs.p99
		tls_idle "${t}tls" "$t"
	done
	tls_fan bulk wsdtls wsd --publish-dialect bulk
}

tls() {
	local t round
	make_certificate
	for t in "${targets[@]:1}"; do
		start "${t}tls"
	done
	for ((round = 0; round < rounds; round++)); do
		tls_round
	done
	stop wsdtls sketchtls
	for t in plain bulk; do
		compare "TLS, 100 subscribers, $t publisher: deliveries" \
			"tls.rate.$t" sketch /s '>= 1.5' tls.rate.plain
		compare 'the same: CPU a delivery' "tls.cpu.$t" sketch ns \
			'<= 0.67' tls.cpu.plain
	done
	compare 'TLS, 1000 updates/s to 100 subscribers: p50' tls.p50 sketch ns ''
	compare 'the same: p99' tls.p99 sketch ns ''
	absolute 'TLS, idle subscribers: resident memory each' tls.rss B \
		'<= 18432'
	compare 'the same, beside the sketch' tls.rss sketch B ''
	compare 'the same: connects' tls.connects sketch /s ''
}
