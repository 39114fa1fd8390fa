# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what start_wsd sets, and takes
# shellcheck disable=SC2119,SC2120 # what tests call with options
# What the tests with hostile peers share; loaded behind helper.

# Compiles the tools of tests/tools that they need; to be called by setup_file.
# Sets `hostile`, and `turns`, `calls`, `walljump` and `nomemory`, which can be
# preloaded.
build_hostile() {
	local tools=$BATS_TEST_DIRNAME/tools lib=$BATS_TEST_DIRNAME/../lib
	local cc=("${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -I"$lib") name

	hostile=$BATS_FILE_TMPDIR/hostile
	"${cc[@]}" -DWIRE_TLS -o "$hostile" \
		"$tools"/{hostile,hostilescripts,wire,wiretls}.c \
		"$lib"/{wsframe,buf,num,clock}.c -lssl -lcrypto
	for name in turns calls walljump nomemory; do
		declare -g "$name=$BATS_FILE_TMPDIR/$name.so"
		"${cc[@]}" -shared -fPIC -o "$BATS_FILE_TMPDIR/$name.so" \
			"$tools/$name.c"
	done
	export hostile turns calls walljump nomemory
}

# Whether the programs under test have the address sanitizer in them, which
# wants to be loaded first, and makes time and memory another matter.
sanitized() {
	grep -q __asan_init "$BIN/wsd"
}

# start_under SHIM VARIABLE [OPTION...]: a wsd with one of these shims, which
# is given a file of the same name, if it can be preloaded.
start_under() {
	local shim=$1 variable=$2

	shift 2
	sanitized || wsd_under=(env "LD_PRELOAD=${!shim}"
		"$variable=$BATS_TEST_TMPDIR/$shim")
	start_wsd --listen 127.0.0.1:0 "$@"
}

attackers=()

# attack SCRIPT [OPTION...]: see tests/tools/hostile.c; from now on. What is
# measured beside it shall not wait for a processor that this one has.
attack() {
	local fifo=$BATS_TEST_TMPDIR/attack line

	((${#attackers[@]})) || {
		[[ -p $fifo ]] || mkfifo "$fifo"
		exec 7<>"$fifo"
	}
	start nice -n 10 "$hostile" "${@:2}" "$url" "$1" >"$fifo" 7<&-
	attackers+=("$PID")
	read -r -t 50 line <&7
	[[ $line == ready ]]
}

# Waits until all have ended by themselves, and shows what they did.
attacks_end() {
	local pid did

	for pid in "${attackers[@]}"; do
		wait "$pid"
		read -r -t 5 did <&7
		echo "# $did"
	done
	exec 7<&-
	attackers=()
}

# Ends them; their own time may be over.
cease() {
	kill -TERM "${attackers[@]}" || true
	attacks_end
}

# metric NAME: a figure of wsd, as of now; a NAME can have labels.
metric() {
	curl -sf "$http/metrics" | awk -v name="$1" '
		$1 == name { print $2; found = 1 }
		END { exit !found }'
}

# kib FIELD: "VmRSS" and so on of wsd.
kib() {
	awk -v field="$1:" '$1 == field { print $2 }' "/proc/$wsd/status"
}

# Whether due = delivered + dropped + pending; sets `pending`.
ledger_adds_up() {
	pending=$(curl -sf "$http/metrics" | awk '
		/^wsd_deliveries_due_total/ { due = $2 }
		/^wsd_deliveries_delivered_total/ { sum += $2 }
		/^wsd_deliveries_dropped_total/ { sum += $2 }
		/^wsd_deliveries_pending/ { sum += $2; pending = $2 }
		END {
			if (due != sum)
				print due " are due, " sum " accounted for"
			else
				print pending
			exit due != sum
		}') || {
		echo "$pending"
		return 1
	}
}

# connected: how many connections there are, with that which asks.
connected() {
	curl -sf "$http/metrics" |
		awk '/^wsd_connections\{/ { n += $2 } END { print n }'
}

# All peers have left: nobody is connected, nothing is pending or waits.
all_left() {
	until [[ $(connected) == 1 ]]; do again; done
	ledger_adds_up
	((pending == 0))
	[[ $(metric wsd_subscriptions) == 0 ]]
	[[ $(metric 'wsd_memory_bytes{kind="assembly"}') == 0 ]]
	[[ $(metric 'wsd_memory_bytes{kind="output"}') == 0 ]]
}

# slice [OPTION...]: a good publisher and a good subscriber, for a part of a
# second at a modest rate. Fails when not every update came once and in order.
slice() {
	local result

	result=$("$BIN/wsbench" -u "$url" -J -W 30 --dialect v1 --rate 500/s \
		--duration 300ms "$@") || {
		echo "# $result" >&2
		return 1
	}
}

# converse [OPTION...]: one who publishes to "good" and one who subscribes, with
# these options of wssub. Both stay connected, whatever happens.
converse() {
	local fifo=$BATS_TEST_TMPDIR/said

	mkfifo "$fifo" "$fifo.ready"
	exec 8<>"$fifo.ready" 9<>"$fifo"
	said=()
	start "$BIN/wssub" -u "$url" -q --strict --ready-fd 8 "$@" good \
		>"$BATS_TEST_TMPDIR/heard" 9<&-
	listener=$PID
	read -r _ <&8
	start "$BIN/wspub" -u "$url" -q -f "$fifo" good 8<&- 9<&-
	speaker=$PID
	exec 8<&-
}

# say TEXT: one more update of theirs; returns when it was heard.
say() {
	said+=("\"$1\"")
	printf '"%s"\n' "$1" >&9
	until tail -n 1 "$BATS_TEST_TMPDIR/heard" | grep -qFx "\"$1\""; do
		kill -0 "$listener" # or it has ended
		again
	done
}

# All that was said was acknowledged, and heard once, in order.
all_heard() {
	say end
	exec 9<&-
	wait "$speaker"
	kill "$listener"
	diff <(printf '%s\n' "${said[@]}") "$BATS_TEST_TMPDIR/heard"
}

# beside ATTACK...: what is good goes on beside each of these as if nothing
# were. An attack is a script and its options, in one word. How late things come
# depends on what else the machine does, so `make bench` tells that; here it is
# turns_take that says how long wsd lets others wait.
beside() {
	local attack words

	converse --no-reconnect
	for attack in "$@"; do
		read -ra words <<<"$attack"
		attack "${words[@]}"
		slice
		say "$attack"
		cease
	done
	all_heard
}

# turns_take US: no more than one of a hundred turns of wsd, which ends now,
# took more processor time than that.
turns_take() {
	local turns p50 p99 longest

	stop_wsd
	sanitized && return
	read -r turns p50 p99 longest <"$BATS_TEST_TMPDIR/turns"
	echo "# $turns turns, p50 $p50 us, p99 $p99 us, longest $longest us"
	((turns > 100 && p99 <= $1))
}
