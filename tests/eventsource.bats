#!/usr/bin/env bats
# The EventSource of a real browser against wsd; what is tested is in
# tests/browser. Through nginx it is in nginx.bats, without a browser in sse.bats.

load helper

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
((BATS_TEST_TIMEOUT >= 180)) || BATS_TEST_TIMEOUT=180

@test "it comes back by itself, and never loses or repeats" {
	passes browser/eventsource.test.mjs
}

@test "over TLS" {
	make_tls "$BATS_TEST_TMPDIR/tls"
	WSD_TLS=$BATS_TEST_TMPDIR/tls passes browser/eventsource.test.mjs
}
