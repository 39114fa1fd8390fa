#!/bin/bash
# What `make demo` runs: the main job on live input.
#
# Starts wsd; publishes the vital signs of this machine, once a second, and the
# output of a build of wsd, as it comes, to two tenants; one wssub prints both.
# Ctrl-C ends it, or DEMO_SECONDS. BUILD and BIN are as in the Makefile.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS MAKELEVEL MFLAGS WSD_URL WSD_TOKEN

bin=${BIN:-bin}
work=$(mktemp -d)
started=() # process groups, each begun here; the last one first
option=

fail() {
	echo "demo: $1" >&5
	[[ ! -s ${2-} ]] || cat "$2" >&5
	exit 1
}

# Whether nobody reads stdout any more.
went_away() {
	! echo
}

# Ends what was started, and only that.
end() {
	trap - EXIT
	trap '' INT TERM
	for group in "${started[@]}"; do
		kill -TERM -- "-$group" || true
		wait "$group" || true
	done
	rm -rf "$work"
}
trap end EXIT
trap 'exit 0' INT TERM
trap '' PIPE # who reads this may have seen enough: see went_away

# Each job in the background is a process group, which Ctrl-C does not reach.
# Of one that a signal ends, as wssub when nobody reads any more, the shell would
# tell on stderr; so that is 5 from here on.
set -m
exec 5>&2 2>/dev/null

build() {
	echo "demo: building"
	make -j"$(nproc)" BUILD="${BUILD:-build}" BIN="$bin" all \
		>"$work/make.log" 2>&1 || fail "the build failed" "$work/make.log"
}

# start_when_ready COMMAND...: starts it with a descriptor 3 to be named by
# --ready-fd, and reads into `ready` the line that says that it is; fails when
# it ends before that.
start_when_ready() {
	rm -f "$work/ready"
	mkfifo "$work/ready"
	"$@" 3>"$work/ready" </dev/null &
	started=($! "${started[@]}")
	exec 4<"$work/ready"
	read -r ready <&4
}

start_wsd() {
	if ! start_when_ready "$bin/wsd" --ready-fd 3 2>"$work/wsd.log"; then
		echo "demo: port 3000 is taken, the system picks another"
		start_when_ready "$bin/wsd" --listen 127.0.0.1:0 --ready-fd 3 \
			2>"$work/wsd.log" ||
			fail "wsd did not start" "$work/wsd.log"
		option=" -u $ready" # that the clients need now
	fi
	wsd=${started[0]}
	export WSD_URL=$ready
}

explain() {
	cat <<-END

	wsd listens at $WSD_URL

	Two tenants are published to it: 'vitals', this machine once a second,
	and 'build', the output of a build. Below is what one wssub gets of both.
	In another terminal, try

	    $bin/wssub$option vitals
	    $bin/wspub$option vitals '{"hello":"world"}'

	END
	if [[ -n ${DEMO_SECONDS-} ]]; then
		echo "This ends in $DEMO_SECONDS seconds, or with Ctrl-C."
	else
		echo "Ctrl-C ends this."
	fi
	echo
}

# One JSON line.
vital_signs() {
	jq -nc --rawfile load /proc/loadavg --rawfile memory /proc/meminfo \
		--rawfile uptime /proc/uptime '
		($load | split(" ")) as $l |
		($l[3] | split("/") | map(tonumber)) as $tasks |
		($memory | [scan("(\\w+): +(\\d+) kB")] |
			map({(.[0]): (.[1] | tonumber)}) | add) as $m |
		{
			time: (now | todate),
			load: ($l[:3] | map(tonumber)),
			tasks: {running: $tasks[0], all: $tasks[1]},
			memoryMiB: {
				all: ($m.MemTotal / 1024 | floor),
				available: ($m.MemAvailable / 1024 | floor)
			},
			uptimeSeconds: ($uptime | split(" ")[0] | tonumber)
		}'
}

# They end when all that is in their pipes has, and at the end of the demo
# wspub's word about updates that are not acknowledged is of no interest.
publish_vitals() {
	trap : TERM
	while vital_signs; do
		sleep 1
	done | "$bin/wspub" -q vitals
}

# All of it is built once more, in a directory of its own.
publish_build() {
	trap : TERM
	make BUILD="$work/build" BIN="$work/bin" all 2>&1 |
		"$bin/wspub" -q --raw-string build
}

build
start_wsd
explain || exit 0
if ! start_when_ready "$bin/wssub" --ready-fd 3 vitals build 2>&5; then
	! went_away || exit 0
	fail "wssub could not subscribe"
fi
wssub=${started[0]}
publish_vitals </dev/null &
started=($! "${started[@]}")
publish_build </dev/null &
started=($! "${started[@]}")
sleep "${DEMO_SECONDS:-infinity}" &
timer=$!
started=($! "${started[@]}")

if ! wait -n "$timer" "$wsd" "$wssub"; then
	! went_away || exit 0
	fail "ended early" "$work/wsd.log"
fi
