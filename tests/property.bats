#!/usr/bin/env bats
# A wsd with access control is driven at random, and each delivery and each
# refusal compared with what a naive model says; see tests/tools/property.mjs.
# To see a failure again, with the seed and the steps that it names:
#
#   PROPERTY_SEED=3 PROPERTY_STEPS=9000 tests/run.sh tests/property.bats

load helper
load hostile

# drive SEED: with another number of steps where PROPERTY_STEPS says so.
drive() {
	local steps=30000 directory=$BATS_TEST_TMPDIR/files

	! sanitized || steps=8000
	mkdir "$directory"
	PROPERTY_SEED=${PROPERTY_SEED:-$1} \
		PROPERTY_STEPS=${PROPERTY_STEPS:-$steps} \
		node "$BATS_TEST_DIRNAME/tools/property.mjs" "$BIN/wsd" \
		"$directory" 3>&-
}

@test "nobody hears a tenant that is not theirs: no token in a URL" {
	drive 4
}

@test "the same with tokens in URLs" {
	drive 1
}

@test "the same with a claim that names a tenant" {
	drive 2
}

@test "the same with both" {
	drive 3
}
