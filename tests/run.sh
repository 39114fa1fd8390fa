#!/bin/bash
# Runs the tests and ends with a line "N passed, N failed".
#
#   tests/run.sh [tests/unit/test_X.c | tests/fuzz/fuzz_X.c | tests/X.bats]...
#
# Without arguments all of them. What they run is taken from the directories
# BIN (programs) and BUILD (unit tests, fuzz targets), which `make` has filled.
# Of a file that passes one line is shown, with the seconds that a slow one took;
# of one that fails the failures. One that "# needs:" a program which is not
# there is left out, and that is said.
set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=$(realpath -m "${BUILD:-build}")
BIN=$(realpath -m "${BIN:-bin}")
export BUILD BIN
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60} # seconds for one test
unit_timeout=${UNIT_TIMEOUT:-300}		  # seconds for one file
unset WSD_URL WSD_TOKEN
# Where deps.sh puts what it does not install.
PATH=$PATH:/usr/sbin:$PWD/build/deb/usr/sbin:$PWD/node_modules/.bin

log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0
failed=0
skipped=0

# Reads TAP; prints passed, failed, skipped and planned (-1: no plan).
# shellcheck disable=SC2016 # awk's fields
count='
	BEGIN { plan = -1 }
	/^ok .*# skip/ { skipped++; next }
	/^ok / { passed++ }
	/^not ok / { failed++ }
	/^1\.\.[0-9]+/ { plan = substr($1, 4) }
	END { print passed + 0, failed + 0, skipped + 0, plan }'

# Of TAP the tests that failed, with the lines that follow each.
failures='
	/^not ok / { show = 1 }
	/^ok |^1\.\./ { show = 0 }
	show'

# run NAME COMMAND...: one file of tests.
run() {
	local name=$1 status=0 began=$SECONDS p f s plan line
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	read -r p f s plan < <(awk "$count" "$log")
	if ((f > 0)); then
		awk "$failures" "$log"
	elif ((status != 0 || p + s != plan)); then
		f=1
		tail -n 60 "$log"
		echo "not ok - $name ended with status $status" \
			"after $((p + s)) tests of $plan"
	fi
	line="# $name: $p passed, $f failed"
	((s == 0)) || line+=", $s skipped"
	((SECONDS - began < 10)) || line+=", $((SECONDS - began)) s"
	echo "$line"
	((passed += p, failed += f, skipped += s))
}

# lacking FILE: what it needs of other people's programs, and is not there.
lacking() {
	local name
	sed -n 's/^# needs: //p' "$1" | tr ' ' '\n' | while read -r name; do
		case $name in
		python3:*) /usr/bin/python3 -c "import ${name#*:}" ;;
		bun) bun --version ;; # a stand-in is there where it does not run
		*) command -v "$name" ;;
		esac >/dev/null 2>&1 || printf ' %s' "$name"
	done
}

run_file() {
	local name missing

	name=$(basename "${1%.*}")
	missing=$(lacking "$1")
	if [[ -n $missing ]]; then
		echo "# $name: left out, as there is no$missing"
		return
	fi
	case $1 in
	*/unit/*) run "$1" timeout "$unit_timeout" "$BUILD/unit/$name" ;;
	*/fuzz/*)
		[[ ! -d tests/fuzz/corpus/${name#fuzz_} ]] ||
			run "$1" timeout "$unit_timeout" "$BUILD/fuzz/$name" \
				"tests/fuzz/corpus/${name#fuzz_}"
		;;
	*.bats) run "$1" bats --tap "$1" ;;
	*)
		echo "not ok - $1 is not a test"
		((failed++))
		;;
	esac
}

shopt -s nullglob
if (($# == 0)); then
	set -- tests/unit/test_*.c tests/fuzz/fuzz_*.c tests/*.bats
fi
for file in "$@"; do
	run_file "$file"
done

summary="$passed passed, $failed failed"
((skipped == 0)) || summary+=", $skipped skipped"
echo "$summary"
((failed == 0 && passed > 0))
