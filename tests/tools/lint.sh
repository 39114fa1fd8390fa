#!/bin/bash
# Checks what the compiler does not: the layers of lib/LAYERS, format, lengths,
# the absence of mutable globals, manual pages, scripts; then compiles with
# gcc and clang, warnings being errors. Says everything that is wrong, not
# only the first, and fails then.
set -u
cd "$(dirname "$0")/../.." || exit 1

MAKE=${MAKE:-make}
build=${LINT_BUILD:-"build-lint"}
function_max=60
file_max=600
failed=0

shopt -s nullglob
sources=({cmd,lib,tests/unit,tests/fuzz,tests/bench,tests/tools}/*.[ch])
pages=(man/*.[1-8])
scripts=(.ci/run {tests,tests/tools,tests/bench,examples,web}/*.{sh,bash,bats}
	completions/bash/*)

# check NAME COMMAND...: the output of a command that fails is shown.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "ok $name"
	else
		((failed++))
		echo "not ok $name"
		[[ -z $output ]] || printf '%s\n' "$output" | sed 's/^/    /'
	fi
}

# Includes only downwards, and of the system only what the layer may use.
layers() {
	awk -f tests/tools/layers.awk lib/LAYERS lib/*.[ch]
}

format() {
	clang-format --dry-run -Werror "${sources[@]}"
}

function_length() {
	ctags -f - --languages=C,C++ --langmap=C:+.h --kinds-C=f \
		--kinds-C++=f --fields=+ne "${sources[@]}" |
		awk -F '\t' -v max=$function_max '
			{
				line = $0; sub(/.*\tline:/, "", line)
				end = $0; sub(/.*\tend:/, "", end)
				if (end + 1 - line > max) {
					bad = 1
					print $2 ": " $1 "() has " \
						end + 1 - line " lines"
				}
			}
			END { exit bad }'
}

file_length() {
	wc -l "${sources[@]}" "${scripts[@]}" | awk -v max=$file_max '
		$2 != "total" && $1 > max {
			bad = 1
			print $2 ": " $1 " lines"
		}
		END { exit bad }'
}

# The pattern is broken up so that this file does not match.
unfinished() {
	! git grep -nE 'TO''DO|FIX''ME'
}

typedefs() {
	! grep -nE '^\s*typedef (struct|union|enum)\b' "${sources[@]}"
}

# In lib/, so that a second event loop is a second struct and nothing else.
globals() {
	local object bad=0

	for object in "$build"/gcc/lib/*.o; do
		objdump -t "$object" | awk -v name="${object##*/}" '
			/ O (\.data|\.bss|\*COM\*)[ \t]/ {
				bad = 1
				print name ": " $NF " is a mutable global"
			}
			END { exit bad }' || bad=1
	done
	return $bad
}

# compile NAME CC: everything, with warnings as errors.
compile() {
	$MAKE -s BUILD="$build/$1" BIN="$build/$1/bin" CC="$2" \
		CFLAGS='-O2 -Werror' all test-programs
}

# Without its guess that a bound which is checked here must be exceeded there.
defects() {
	cppcheck -q --std=c11 --language=c --enable=warning \
		--inline-suppr --suppress=missingInclude \
		--suppress=arrayIndexOutOfBoundsCond --error-exitcode=1 \
		-D_GNU_SOURCE -DWSD_VERSION='"0"' -Ilib cmd lib
}

check 'layers' layers
check 'format' format
check "functions of at most $function_max lines" function_length
check "files of at most $file_max lines" file_length
check 'nothing unfinished' unfinished
check 'no typedef of structs' typedefs
check 'scripts' shellcheck -x "${scripts[@]}"
((${#pages[@]} == 0)) || check 'manual pages' mandoc -T lint -W warning "${pages[@]}"
check 'gcc' compile gcc gcc
check 'clang' compile clang clang
check 'no mutable globals in lib' globals
check 'cppcheck' defects
echo
if ((failed > 0)); then
	echo "lint: $failed checks failed"
	exit 1
fi
echo 'lint: all is well'
