#!/usr/bin/env bats
# The client for browsers, clients/js: on its own, with the real wsd, and in a
# real browser with React. What is tested is in tests/js and tests/browser.

load helper

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
((BATS_TEST_TIMEOUT >= 180)) || BATS_TEST_TIMEOUT=180

# passes FILE [ARGUMENT...]: runs it with node. In the background, so that
# teardown ends it, and with it what it has started, when the time is up.
passes() {
	local status=0

	export BIN
	start node "$BATS_TEST_DIRNAME/$1" "${@:2}" >"$BATS_TEST_TMPDIR/out" 2>&1
	wait "$PID" || status=$?
	((status == 0)) && return
	grep -v '^ok ' "$BATS_TEST_TMPDIR/out" | head -n 200
	return 1
}

@test "one situation after another" {
	passes js/client.test.mjs
}

@test "whatever happens, each update comes once and in order, or a gap is told" {
	passes js/model.mjs 1 1000
}

@test "the types" {
	passes ../node_modules/typescript/bin/tsc -p "$BATS_TEST_DIRNAME/js"
}

@test "what the package exports" {
	cd "$BATS_TEST_DIRNAME/../clients/js"
	node --input-type=module -e "
		import * as all from '@wsd/client';
		import { deepEqual } from 'node:assert/strict';
		deepEqual(Object.keys(all), ['publish', 'subscribe']);
		await import('@wsd/client/react');"
}

@test "with a real wsd, whose connections end in every way" {
	passes js/live.test.mjs
}

@test "React in Chromium" {
	passes browser/react.test.mjs
}
