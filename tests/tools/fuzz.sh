#!/bin/bash
# Runs the fuzz targets named (fuzz/fuzz_X, below BUILD) for FUZZ_SECONDS each.
# They start from tests/fuzz/corpus/X; what they find goes below BUILD, so that
# the checkout stays clean. Of one that fails the report is shown.
set -u
cd "$(dirname "$0")/../.." || exit 1

BUILD=${BUILD:-build-fuzz}
seconds=${FUZZ_SECONDS:-10}
failed=0

for target in "$@"; do
	name=${target##*/fuzz_}
	found=$BUILD/found/$name
	log=$BUILD/$name.log
	corpus=("$found")

	mkdir -p "$found"
	[[ ! -d tests/fuzz/corpus/$name ]] || corpus+=("tests/fuzz/corpus/$name")
	# What a target prints is not of interest, hence close_fd_mask.
	if "$BUILD/$target" -max_total_time="$seconds" -timeout=10 \
		-close_fd_mask=3 -artifact_prefix="$BUILD/$name-" \
		"${corpus[@]}" >"$log" 2>&1; then
		echo "$name: $(grep '^Done' "$log")"
	else
		((failed++))
		grep -v '^#[0-9]*	' "$log" | tail -n 60
		echo "$name: FAILED; see $log"
	fi
done
echo "$(($# - failed)) passed, $failed failed"
((failed == 0 && $# > 0))
