# shellcheck shell=bash
# What the end-to-end tests share; loaded by `load helper`.
#
# Whatever a test starts, it starts here, and teardown ends it by its pid. A
# server must then drain and exit 0: so leaks and undefined behaviour in a
# sanitizer build fail the test in which they happen.

BIN=$(realpath "${BIN:-$BATS_TEST_DIRNAME/../bin}")
export BIN
unset WSD_URL WSD_TOKEN REDIS_URL REDIS_PASSWORD

# start_wsd [OPTION...]: a wsd on a free port, unless an option says where; the
# program is $WSD, when that is set.
# Sets `url` (and `urls`, where there are several), `http` (without /ws), `wsd`
# (its pid) and `wsd_log`. Fails when it ends before it listens. What is in
# `wsd_under` is a command that executes it. With the directory of make_tls() in
# WSD_TLS it speaks TLS.
wsd_under=()
start_wsd() {
	local fifo=$BATS_TEST_TMPDIR/ready

	[[ " $* " == *" --listen"* || " $* " == *" --config"* ||
		-n ${wsd_under-} ]] || set -- --listen 127.0.0.1:0 "$@"
	[[ -z ${WSD_TLS-} ]] ||
		set -- --tls-cert "$WSD_TLS/cert" --tls-key "$WSD_TLS/key" "$@"
	wsd_log=$BATS_TEST_TMPDIR/wsd.log
	rm -f "$fifo"
	mkfifo "$fifo"
	env --default-signal=INT "${wsd_under[@]}" "${WSD:-$BIN/wsd}" \
		--ready-fd 9 "$@" 9>"$fifo" 3>&- 2>>"$wsd_log" </dev/null &
	wsd=$! # bash has what runs in the background ignore SIGINT
	mapfile -t urls <"$fifo"
	url=${urls[0]}
	http=${url/#ws/http}
	http=${http%/ws}
	export url http wsd wsd_log # for the commands in scripts
	[[ -n $url ]]
}

# make_tls DIR [OPTION...]: a key and a certificate for loopback in DIR, by
# openssl-req(1), whose options say of which kind (default EC, P-256). OpenSSL,
# curl and node trust it from then on.
make_tls() {
	local dir=$1

	shift
	(($#)) || set -- -newkey ec -pkeyopt ec_paramgen_curve:P-256
	mkdir -p "$dir"
	(umask 077 && openssl req -x509 -nodes -subj /CN=localhost -addext \
		subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 -days 365 \
		"$@" -keyout "$dir/key" -out "$dir/cert" 2>/dev/null)
	export CURL_CA_BUNDLE=$dir/cert NODE_EXTRA_CA_CERTS=$dir/cert \
		SSL_CERT_FILE=$dir/cert
}

# wsd_ends STATUS: waits for its end; fails when it is not with this status.
wsd_ends() {
	local pid=$wsd status=0

	wsd=
	wait "$pid" || status=$?
	((status == $1)) && return
	echo "wsd ended with status $status"
	cat "$wsd_log"
	return 1
}

# Drains it. Fails when it does not exit 0.
stop_wsd() {
	kill -CONT "$wsd" || true # if it was stopped
	kill -TERM "$wsd" || true
	wsd_ends 0
}

# again: what a loop does that asks until something is so. Waits for a moment, so
# that what is asked for has the processor; ends the test when that takes too
# long. $! is another one then. The shell that a script of raw() starts has it, too.
began=$SECONDS
again() {
	((SECONDS - ${began-0} < ${BATS_TEST_TIMEOUT:-60})) || {
		echo "what is waited for does not come: ${FUNCNAME[*]}"
		exit 1
	}
	read -r -t 0.02 <> <(:) || true
}
export -f again

# raw [URL] <SCRIPT: see tests/tools/wsraw.mjs.
raw() {
	node "$BATS_TEST_DIRNAME/tools/wsraw.mjs" "${1:-$url}"
}

started=()

# start COMMAND...: in the background; sets PID.
start() {
	"$@" 3>&- &
	PID=$!
	started+=("$PID")
}

# listening COMMAND...: starts a tool that prints "listening PORT"; sets PORT.
listening() {
	local fifo=$BATS_TEST_TMPDIR/listening.${#started[@]}

	mkfifo "$fifo"
	exec 6<>"$fifo" # or opening it would wait for the other end
	start "$@" >"$fifo" 6<&-
	# shellcheck disable=SC2034 # it is for the caller
	IFS=' ' read -r _ PORT <&6
	exec 6<&-
}

# passes FILE [ARGUMENT...]: runs it with node. In the background, so that
# teardown ends it, and with it what it has started, when the time is up.
passes() {
	local status=0

	export BIN
	start node "$BATS_TEST_DIRNAME/$1" "${@:2}" >"$BATS_TEST_TMPDIR/out" 2>&1
	wait "$PID" || status=$?
	((status == 0)) && return
	grep -v '^ok ' "$BATS_TEST_TMPDIR/out" | head -n 200
	return 1
}

teardown() {
	local pid

	for pid in "${started[@]}"; do
		# If it was stopped. Before the other, as a leak checker that
		# runs at its end would never come back from this one.
		kill -CONT "$pid" 2>/dev/null || continue
		kill "$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	[[ -z ${wsd-} ]] || stop_wsd
}
