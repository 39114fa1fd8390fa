#!/usr/bin/env bats
# What other files test, over TLS: there all is as without.

load helper

setup_file() {
	export WSD_TLS=$BATS_FILE_TMPDIR/tls
	make_tls "$WSD_TLS"
}

# over_tls FILE: all of its tests.
over_tls() {
	bats --tap "$BATS_TEST_DIRNAME/$1.bats" >"$BATS_TEST_TMPDIR/tap" 2>&1 3>&- || {
		grep -v '^ok' "$BATS_TEST_TMPDIR/tap"
		return 1
	}
	grep -q '^ok' "$BATS_TEST_TMPDIR/tap"
}

@test "the plain dialect" {
	over_tls plain
}

@test "wsd.v1" {
	over_tls protocol
}

@test "bad input" {
	over_tls badinput
}

@test "the framing of RFC 6455" {
	over_tls rfc6455
}

@test "who is let in" {
	over_tls gate
}

@test "rights and tokens" {
	over_tls access
}

@test "HTTP" {
	over_tls http
}

@test "limits and times" {
	over_tls limits
}

@test "who is dead and who is not" {
	over_tls peers
}

@test "stalled subscribers, and pongs between frames" {
	over_tls stall
}

@test "metrics" {
	over_tls metrics
}
