#!/usr/bin/env bats
# wsd under a service manager: what it tells it, the sockets that it is handed,
# and the units in examples/systemd.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup_file() {
	manager=$BATS_FILE_TMPDIR/fakesystemd
	export manager
	"${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -o "$manager" \
		"$BATS_TEST_DIRNAME/tools/fakesystemd.c"
}

# Where wsd tells what it does: a path, or an abstract name.
notified_at() {
	told=$BATS_TEST_TMPDIR/told
	: >"$told"
	listening "$manager" notify "$1" "$told"
	# shellcheck disable=SC2030,SC2031 # each test has its own
	export NOTIFY_SOCKET=$1
}

# until_told LINE [N]: waits until it has told this, N times.
until_told() {
	until (($(grep -cxF "$1" "$told") >= ${2-1})); do
		again
	done
}

# All that was told until now, without signs of life and blank lines, with
# anything in place of numbers.
all_told() {
	grep -vxE 'WATCHDOG=1|' "$told" | sed -E 's/[0-9]{4,}/N/g'
}

# handed SOCKET... [-- OPTION...]: starts a wsd that is handed these.
handed() {
	local sockets=()

	while (($# > 0)) && [[ $1 != -- ]]; do
		sockets+=("$1")
		shift
	done
	# shellcheck disable=SC2034 # it is for start_wsd
	wsd_under=("$manager" listen "${sockets[@]}" --)
	start_wsd "${@:2}"
}

# refuses WANT SOCKET... [-- OPTION...]: it does not start with these.
refuses() {
	local want=$1 sockets=()

	shift
	while (($# > 0)) && [[ $1 != -- ]]; do
		sockets+=("$1")
		shift
	done
	run "$manager" listen "${sockets[@]}" -- "$BIN/wsd" "${@:2}"
	echo "$output"
	[[ $status != 0 && $output == "wsd: $want"* ]]
}

@test "READY when it listens, RELOADING while it reloads, STOPPING at the end" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	echo '{}' >"$BATS_TEST_TMPDIR/c"
	start_wsd --listen 127.0.0.1:0 --config "$BATS_TEST_TMPDIR/c" \
		--drain-timeout 3s
	until_told READY=1
	kill -HUP "$wsd"
	until_told READY=1 2
	stop_wsd
	all_told | diff - <(
		cat <<-END
			READY=1
			STATUS=listening on ws://127.0.0.1:N/ws
			RELOADING=1
			MONOTONIC_USEC=N
			READY=1
			STATUS=listening on ws://127.0.0.1:N/ws
			STOPPING=1
			EXTEND_TIMEOUT_USEC=N
			STATUS=shutting down
		END
	)
	grep -qxF EXTEND_TIMEOUT_USEC=8000000 "$told"
	grep -qF "STATUS=listening on $url" "$told"
}

@test "a reload that fails is over too" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	echo '{}' >"$BATS_TEST_TMPDIR/c"
	start_wsd --listen 127.0.0.1:0 --config "$BATS_TEST_TMPDIR/c"
	echo '{' >"$BATS_TEST_TMPDIR/c"
	kill -HUP "$wsd"
	until_told RELOADING=1
	until_told READY=1 2
	curl -sf "$http/healthz"
}

@test "the manager may have an abstract name" {
	notified_at "@wsd-test-$$-$BATS_TEST_NUMBER"
	start_wsd
	until_told READY=1
	until_told "STATUS=listening on $url"
}

# As wsd sees it, in us.
monotonic() {
	node -p 'process.hrtime.bigint() / 1000n + ""'
}

@test "MONOTONIC_USEC is the time of the reload" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	start_wsd
	before=$(monotonic)
	kill -HUP "$wsd"
	until_told READY=1 2
	after=$(monotonic)
	usec=$(sed -n 's/^MONOTONIC_USEC=//p' "$told")
	((before <= usec && usec <= after))
}

@test "without a manager nothing is told; one that is not there is a warning" {
	start_wsd
	stop_wsd
	[ ! -s "$wsd_log" ]
	NOTIFY_SOCKET=/no/such/socket start_wsd
	curl -sf "$http/healthz"
	stop_wsd
	diff - "$wsd_log" <<<"wsd: cannot notify the service manager (NOTIFY_SOCKET): No such file or directory"
	: >"$wsd_log"
	NOTIFY_SOCKET=vsock:2:1234 start_wsd
	stop_wsd
	diff - "$wsd_log" <<<"wsd: cannot notify the service manager (NOTIFY_SOCKET): neither a path nor an abstract name"
}

@test "a manager that goes away and comes back is told again" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	WATCHDOG_USEC=20000 start_wsd
	until_told WATCHDOG=1
	kill "$PID"
	wait "$PID" || true
	rm "$NOTIFY_SOCKET"
	until [ -s "$wsd_log" ]; do again; done
	listening "$manager" notify "$NOTIFY_SOCKET" "$told.2"
	until grep -qxF WATCHDOG=1 "$told.2"; do again; done
	[[ $(wc -l <"$wsd_log") == 1 ]]
}

@test "signs of life come each half of WATCHDOG_USEC" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	begin=${EPOCHREALTIME/./}
	WATCHDOG_USEC=400000 start_wsd
	until_told WATCHDOG=1 4
	took=$((${EPOCHREALTIME/./} - begin))
	((took >= 3 * 200000)) # the first comes at once
	[[ $(head -n 1 "$told") == READY=1 ]]
}

# Waits until three signs of life have come behind STOPPING.
lives_on() {
	until awk '/^STOPPING/ { over = 1 } /^WATCHDOG/ { n += over }
		END { exit n < 3 }' "$told"; do
		again
	done
}

@test "signs of life go on while it drains" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	WATCHDOG_USEC=20000 start_wsd --sndbuf 4096 --drain-timeout 1h
	export -f lives_on
	export told
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! kill -TERM $wsd
		! lives_on
		a resume
	END
	wsd_ends 0
}

@test "no signs of life for another process, or of no time" {
	notified_at "$BATS_TEST_TMPDIR/notify"
	WATCHDOG_USEC=1000 WATCHDOG_PID=1 start_wsd
	until_told READY=1
	all_answer_and_stop
	WATCHDOG_USEC=x start_wsd
	grep -qxF "wsd: no signs of life: WATCHDOG_USEC is 'x'" "$wsd_log"
	all_answer_and_stop
	WATCHDOG_USEC=0 start_wsd
	all_answer_and_stop
	[[ $(grep -c WATCHDOG "$told") == 0 ]]
}

all_answer_and_stop() {
	curl -sf "$http/healthz"
	stop_wsd
}

@test "it listens on the sockets that it is handed, and on no other" {
	handed 127.0.0.1:0 "unix:$BATS_TEST_TMPDIR/s" 127.0.0.2:0
	[[ ${#urls[@]} == 3 ]]
	[[ ${urls[0]} == ws://127.0.0.1:* ]]
	[[ ${urls[1]} == "ws+unix:$BATS_TEST_TMPDIR/s:/ws" ]]
	[[ ${urls[2]} == ws://127.0.0.2:* ]]
	for one in "${urls[@]}"; do
		"$BIN/wspub" -u "$one" t 1
	done
	[[ $("$BIN/wssub" -u "$url" --since all -c 3 t | xargs) == "1 1 1" ]]
}

@test "what --listen says is added" {
	handed 127.0.0.1:0 -- --listen "unix:$BATS_TEST_TMPDIR/s"
	[[ ${#urls[@]} == 2 ]]
	for one in "${urls[@]}"; do
		"$BIN/wspub" -u "$one" t 1
	done
	[[ $("$BIN/wssub" -u "$url" --since all -c 2 t | xargs) == "1 1" ]]
}

@test "a Unix socket that was handed over is left there, one of its own is not" {
	handed "unix:$BATS_TEST_TMPDIR/theirs" -- \
		--listen "unix:$BATS_TEST_TMPDIR/ours"
	[ -S "$BATS_TEST_TMPDIR/ours" ]
	stop_wsd
	[ ! -e "$BATS_TEST_TMPDIR/ours" ]
	[ -S "$BATS_TEST_TMPDIR/theirs" ]
}

@test "an abstract Unix socket works too" {
	handed "unix:@wsd-test-$$-$BATS_TEST_NUMBER"
	[[ $url == "ws+unix:@wsd-test-$$-$BATS_TEST_NUMBER:/ws" ]]
	curl -sf --abstract-unix-socket "wsd-test-$$-$BATS_TEST_NUMBER" \
		http://localhost/healthz
}

@test "what is handed over is closed on execution, and known to no child" {
	handed 127.0.0.1:0
	((0$(awk '/^flags:/ { print $2 }' "/proc/$wsd/fdinfo/3") & 02000000))
	((0$(awk '/^flags:/ { print $2 }' "/proc/$wsd/fdinfo/3") & 04000))
}

@test "sockets for another process are none" {
	export LISTEN_PID=1
	handed 127.0.0.1:0 -- --listen "unix:$BATS_TEST_TMPDIR/s"
	[[ ${urls[*]} == "ws+unix:$BATS_TEST_TMPDIR/s:/ws" ]]
}

@test "LISTEN_FDS without LISTEN_PID is nothing" {
	export LISTEN_FDS=1
	start_wsd
	[[ ${#urls[@]} == 1 ]]
}

@test "what cannot be listened on is refused, and said" {
	refuses "cannot listen on 'descriptor 3': it does not listen (is Accept=no set?)" deaf
	refuses "cannot listen on 'descriptor 3': it does not listen (is Accept=no set?)" connected
	refuses "cannot listen on 'descriptor 3': not a stream socket" udp
	refuses "cannot listen on 'descriptor 3': Socket operation on non-socket" file
	refuses "LISTEN_FDS: descriptor 4 of 2 is not open" 127.0.0.1:0 closed
	LISTEN_FDS=x refuses "LISTEN_FDS: 'x' is no number of sockets" 127.0.0.1:0
	LISTEN_FDS=99999999999 refuses "LISTEN_FDS: '99999999999' is no number" 127.0.0.1:0
}

@test "off loopback only with --no-access-control, as with --listen" {
	refuses "cannot listen on 'descriptor 3': not a loopback address, and there is no access control" 0.0.0.0:0
	handed 0.0.0.0:0 -- --no-access-control
	[[ $url == ws://0.0.0.0:* ]]
}

# The units

units=$BATS_TEST_DIRNAME/../examples/systemd

@test "the configuration of the units is right" {
	"$BIN/wsd" --config "$units/wsd.json" --check-config
	"$BIN/wsd" --config "$units/wsd.json" --print-config |
		jq -e '.listen == ["localhost:3000"]' # which sockets take the place of
}

@test "the commands of the unit work" {
	mapfile -t commands < <(sed -nE 's/^Exec(Start|Reload)=//p' "$units/wsd.service")
	[[ ${#commands[@]} == 3 ]]
	[[ ${commands[0]} == "/usr/local/bin/wsd --config /etc/wsd/wsd.json" ]]
	[[ ${commands[1]} == "${commands[0]} --check-config" ]]
	# shellcheck disable=SC2016 # for systemd
	[[ ${commands[2]} == '/bin/kill -HUP $MAINPID' ]]
	grep -qxF Type=notify "$units/wsd.service"
	grep -q '^WatchdogSec=' "$units/wsd.service"
}

@test "the units are confined" {
	while read -r line; do
		for unit in "$units"/*.service; do
			grep -qxF "$line" "$unit" ||
				{ echo "$unit: no $line" && return 1; }
		done
	done <<-'END'
		DynamicUser=yes
		CapabilityBoundingSet=
		NoNewPrivileges=yes
		ProtectSystem=strict
		ProtectHome=yes
		ProtectProc=invisible
		PrivateTmp=yes
		PrivateDevices=yes
		PrivateUsers=yes
		PrivateMounts=yes
		ProtectClock=yes
		ProtectControlGroups=yes
		ProtectHostname=yes
		ProtectKernelLogs=yes
		ProtectKernelModules=yes
		ProtectKernelTunables=yes
		LockPersonality=yes
		MemoryDenyWriteExecute=yes
		RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
		RestrictNamespaces=yes
		RestrictRealtime=yes
		RestrictSUIDSGID=yes
		SystemCallArchitectures=native
		SystemCallFilter=@system-service
		IPAddressDeny=any
	END
	grep -qxF LimitNOFILE=65536 "$units/wsd.service"
}

@test "systemd has nothing against the units" {
	command -v systemd-analyze >/dev/null || skip 'no systemd-analyze'
	for unit in "$units"/*.{service,socket}; do
		sed "s|/usr/local/bin/|$BIN/|" "$unit" \
			>"$BATS_TEST_TMPDIR/${unit##*/}"
	done
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR"/*.{service,socket}
	echo "$output"
	[[ $status == 0 && $output == '' ]]
}

@test "a unit has each directive once, but for those that add up" {
	for unit in "$units"/*.service "$units"/*.socket; do
		sed -nE 's/^([A-Za-z]+)=.*/\1/p' "$unit" | sort | uniq -d |
			grep -vxE 'ExecReload|SystemCallFilter|ListenStream' |
			diff - /dev/null
	done
}
