#!/usr/bin/env bats
# What a wsd with access control does not tell: peers not why a token is bad, in
# whichever way it was shown, and the log nothing of what peers have sent.

load helper

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
