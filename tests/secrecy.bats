#!/usr/bin/env bats
# What a wsd with access control does not tell: peers not why a token is bad, in
# whichever way it was shown, and the log nothing of what peers have sent.
# shellcheck disable=SC2154 # what start_wsd sets

load helper
load hostile

setup() {
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
}

@test "a forged token gets the same answer as any other, in each way to show it" {
	node "$BATS_TEST_DIRNAME/tools/forge.mjs" . >table
	(($(wc -l <table) > 800))
	node "$BATS_TEST_DIRNAME/tools/shown.mjs" "$BIN/wsd" . 3>&-
}

@test "no token, update or control character gets into the log" {
	node "$BATS_TEST_DIRNAME/tools/secrets.mjs" "$BIN/wsd" . text 3>&-
}

@test "the same in JSON" {
	node "$BATS_TEST_DIRNAME/tools/secrets.mjs" "$BIN/wsd" . json 3>&-
}

@test "a token that was shown stays nowhere in memory" {
	[[ $(id -u) == 0 ]] || skip "root alone can look"
	! sanitized || skip "the memory of a sanitizer is too large"
	printf '%s' 0123456789abcdef0123456789abcdef >key
	start_wsd --jwt-key key
	token=token-that-$RANDOM-is-not-good
	curl -s -H "Authorization: Bearer $token" "$http/metrics"
	node "$BATS_TEST_DIRNAME/tools/inmemory.mjs" "$wsd" "$token" >places
	cat places
	[[ ! -s places ]]
}
