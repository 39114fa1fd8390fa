#!/usr/bin/env bats
# The sketch's page and hook, as they are in examples, in a real browser; and
# pages over https. What is tested is in tests/browser.

load helper

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
((BATS_TEST_TIMEOUT >= 180)) || BATS_TEST_TIMEOUT=180

@test "the page" {
	passes browser/sketchpage.test.mjs
}

@test "the hook" {
	passes browser/sketchhook.test.mjs
}

@test "pages over https" {
	make_tls "$BATS_TEST_TMPDIR/tls"
	WSD_TLS=$BATS_TEST_TMPDIR/tls passes browser/https.test.mjs
}
