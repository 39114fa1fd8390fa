#!/usr/bin/env bats
# websocat against wsd, as clients.bats has others. Not every system has it, so
# it has a file of its own, which is left out elsewhere.
# needs: websocat
# shellcheck disable=SC2154 # what clients.bash sets

load helper
load redis
load clients

setup() {
	# shellcheck disable=SC2034 # for clients.bash
	T=$BATS_TEST_TMPDIR
}

@test "websocat receives every update byte for byte, also of 1 MiB" {
	receives websocat
}

@test "websocat publishes, also 1 MiB, and hears what was wrong" {
	publishes websocat
}

@test "websocat shows a token in a header and in SUBSCRIBE" {
	tokens
	start_wsd --jwt-key "$T/key"
	join websocat "${as_good[@]}" -x "$subscribe"
	has_joined
	join websocat -x "${subscribe%\}},\"token\":\"$good\"}"
	has_joined
}
