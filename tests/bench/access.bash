# shellcheck shell=bash
# shellcheck disable=SC2154 # samples, tmp, duration, ...: what run.sh has
# The section `access` of run.sh: what tokens cost. Beside a wsd that asks for
# them stands the same one that does not.

make_keys() {
	(
		umask 077
		"$BIN/wstoken" keygen --type ec "$tmp/es256"
		"$BIN/wstoken" make --key "$tmp/es256" --subscribe 'bench-*' \
			--publish 'bench-*' --for 1h >"$tmp/token"
	)
}

# guarded_run KEY SERVER OPTION...: one with the token, or without any.
guarded_run() {
	local key=$1 name=$2
	shift 2
	load "$name" --duration "$duration" --subscribers 100 "$@"
	keep "access.rate.$key" deliveriesPerSecond
	keep "access.cpu.$key" server.cpuNsPerDelivery
	keep "access.update.$key" server.cpuNsPerUpdate
}

# A fresh server each time, as in `idle`.
connects() { # connects KEY SERVER OPTION...
	local key=$1 name=$2 n=$idle
	shift 2
	stop "$name"
	start "$name"
	load "$name" --subscribers "$n" --idle --duration 1s "$@"
	add "access.connects.$key" "$(jq "$n * 1e9 / .connectNs" "$tmp/result")"
	keep "access.rss.$key" server.rssPerConnection
}

with_token() {
	guarded_run "$1.wsd" guarded --token-file "$tmp/token" \
		--publish-dialect "$1"
}

access() {
	local round kind token=(--token-file "$tmp/token")
	[ -s "$tmp/token" ] || make_keys
	start guarded
	for ((round = 0; round < rounds; round++)); do
		for kind in plain bulk; do
			# Who comes first finds another machine.
			((round % 2)) || with_token "$kind"
			guarded_run "$kind.without" wsd \
				--publish-dialect "$kind"
			((round % 2 == 0)) || with_token "$kind"
		done
		connects wsd guarded "${token[@]}"
		connects without wsd
	done
	for kind in plain bulk; do
		compare "access control, 100 subscribers, $kind publisher: CPU a delivery" \
			"access.cpu.$kind" without ns '<= 1.05'
		compare 'the same: deliveries' "access.rate.$kind" without /s ''
	done
	compare "$idle connects, each with an ES256 token" access.connects \
		without /s ''
	compare 'the same: resident memory each' access.rss without B ''
	stop guarded
	restart_wsd
}
