# shellcheck shell=bash
# What the tests with hostile peers share; loaded behind helper.

# Compiles the tools of tests/tools that they need; to be called by setup_file.
# Sets `hostile`, and the `turns` and `walljump` that can be preloaded.
build_hostile() {
	local tools=$BATS_TEST_DIRNAME/tools lib=$BATS_TEST_DIRNAME/../lib
	local cc=("${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -I"$lib") name

	hostile=$BATS_FILE_TMPDIR/hostile
	"${cc[@]}" -o "$hostile" "$tools"/{hostile,hostilescripts,wire}.c \
		"$lib"/{wsframe,buf,num,clock}.c
	for name in turns walljump; do
		declare -g "$name=$BATS_FILE_TMPDIR/$name.so"
		"${cc[@]}" -shared -fPIC -o "$BATS_FILE_TMPDIR/$name.so" \
			"$tools/$name.c"
	done
	export hostile turns walljump
}

# Whether the programs under test have the address sanitizer in them, which
# wants to be loaded first, and makes time and memory another matter.
sanitized() {
	grep -q __asan_init "$BIN/wsd"
}

# start_under SHIM VARIABLE [OPTION...]: a wsd with `turns` or `walljump`, which
# is given a file of the same name, if it can be preloaded.
start_under() {
	local shim=$1 variable=$2

	shift 2
	sanitized || wsd_under=(env "LD_PRELOAD=${!shim}"
		"$variable=$BATS_TEST_TMPDIR/$shim")
	start_wsd --listen 127.0.0.1:0 "$@"
}

# attack SCRIPT [OPTION...]: see tests/tools/hostile.c; from now on. What is
# measured beside it shall not wait for a processor that this one has.
attack() {
	local fifo=$BATS_TEST_TMPDIR/attack line

	[[ -p $fifo ]] || mkfifo "$fifo"
	exec 7<>"$fifo"
	start nice -n 10 "$hostile" "${@:2}" "$url" "$1" >"$fifo" 7<&-
	attacker=$PID
	read -r -t 50 line <&7
	[[ $line == ready ]]
}

# Ends it. Shows what was done, and sets `did` to that.
cease() {
	kill -TERM "$attacker"
	attack_ends
}

# The same when it ends by itself.
attack_ends() {
	wait "$attacker"
	read -r -t 5 did <&7
	exec 7<&-
	echo "# $did"
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

# All peers have left: nobody is connected, nothing is pending or waits.
all_left() {
	until [[ $(metric 'wsd_connections{dialect="plain"}') == 0 &&
		$(metric 'wsd_connections{dialect="wsd.v1"}') == 0 &&
		$(metric 'wsd_connections{dialect="http"}') == 1 ]]; do
		: # teardown comes if that never happens
	done
	ledger_adds_up
	((pending == 0))
	[[ $(metric wsd_subscriptions) == 0 ]]
	[[ $(metric 'wsd_memory_bytes{kind="assembly"}') == 0 ]]
	[[ $(metric 'wsd_memory_bytes{kind="output"}') == 0 ]]
}

# slice [OPTION...]: a good publisher and a good subscriber, for a part of a
# second at a modest rate. Prints the p99 of their latency in microseconds;
# fails when not every update came once and in order.
slice() {
	local result

	result=$("$BIN/wsbench" -u "$url" -J -W 30 --dialect v1 --rate 500/s \
		--duration 300ms "$@") || {
		echo "# $result" >&2
		return 1
	}
	jq '.latencyNs["p99"] / 1000 | floor' <<<"$result"
}

# calm NAME: whether the median of the slices in the file $BATS_TEST_TMPDIR/NAME
# is above that of those in .../undisturbed by a fifth of it at most, or by
# 2 ms: so long may a process wait for its turn on a processor. Where the
# undisturbed ones differ by more than that, the machine has so much else to do
# that nothing can be told.
calm() {
	sort -n "$BATS_TEST_TMPDIR/$1" | awk -v name="$1" '
		FNR == 1 { file++ }
		file == 1 { u[++us] = $1 }
		file == 2 { d[++ds] = $1 }
		END {
			before = u[int((us + 1) / 2)]
			after = d[int((ds + 1) / 2)]
			may = before / 5 > 2000 ? before / 5 : 2000
			busy = u[us] - u[1] > 2000 || before > 2000
			printf "# %s: p99 %.1f ms, without %.1f ms%s\n",
				name, after / 1000, before / 1000,
				busy ? ": too busy to tell" : ""
			exit !busy && after > before + may
		}' <(sort -n "$BATS_TEST_TMPDIR/undisturbed") -
}

# round ATTACK...: a slice without any of these, then one beside each. An
# attack is a script and its options, in one word.
round() {
	local attack words

	slice >>"$BATS_TEST_TMPDIR/undisturbed"
	for attack in "$@"; do
		read -ra words <<<"$attack"
		attack "${words[@]}"
		slice >>"$BATS_TEST_TMPDIR/${words[0]}"
		say "$attack"
		cease
	done
}

# rounds ATTACK...: three, in which attacks and calm take turns.
rounds() {
	rm -f "$BATS_TEST_TMPDIR/undisturbed" "$BATS_TEST_TMPDIR/${1%% *}"
	for _ in 1 2 3; do
		round "$@"
	done
}

# One who subscribes to "good" and stays, whatever happens, and all that was
# said to it.
listen() {
	local fifo=$BATS_TEST_TMPDIR/listens

	mkfifo "$fifo"
	exec 8<>"$fifo"
	said=()
	start "$BIN/wssub" -u "$url" --strict --no-reconnect --ready-fd 8 good \
		>"$BATS_TEST_TMPDIR/heard"
	listener=$PID
	read -r _ <&8
	exec 8<&-
}

# say TEXT: publishes it to those who listen.
say() {
	said+=("\"$1\"")
	"$BIN/wspub" -u "$url" -q good "\"$1\""
}

# All that was said was heard once, in order.
all_heard() {
	say end
	until tail -n 1 "$BATS_TEST_TMPDIR/heard" | grep -qx '"end"'; do
		kill -0 "$listener" # or it has ended
	done
	kill "$listener"
	diff <(printf '%s\n' "${said[@]}") "$BATS_TEST_TMPDIR/heard"
}

# beside ATTACK...: what is good goes on beside each of these as if nothing
# were. On a machine that does other things a slice may be delayed by them, so
# what is not calm has two more chances.
beside() {
	local attack

	listen
	rounds "$@"
	for attack in "$@"; do
		calm "${attack%% *}" && continue
		rounds "$attack"
		calm "${attack%% *}" && continue
		rounds "$attack"
		calm "${attack%% *}"
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
