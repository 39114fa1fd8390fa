#!/usr/bin/env bats
# The client for browsers, clients/js: on its own, with the real wsd, and in a
# real browser with React. What is tested is in tests/js and tests/browser.

load helper

export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-60}
((BATS_TEST_TIMEOUT >= 180)) || BATS_TEST_TIMEOUT=180

@test "one situation after another" {
	passes js/client.test.mjs
	passes js/server.test.mjs
}

@test "whatever happens, each update comes once and in order, or a gap is told" {
	passes js/model.mjs 1 1000
}

# In an app that has a React of its own, which must be the only one.
@test "the package, installed as its README says" {
	local modules name
	export npm_config_cache=$BATS_TEST_TMPDIR/npm

	modules=$(realpath "$BATS_TEST_DIRNAME/../node_modules")
	mkdir "$BATS_TEST_TMPDIR/app" && cd "$BATS_TEST_TMPDIR/app"
	echo '{"private":true,"type":"module"}' >package.json
	npm pack --silent --offline "$BATS_TEST_DIRNAME/../clients/js"
	npm install --silent --offline --no-audit ./wsd-client-*.tgz
	for name in react react-dom scheduler @types csstype; do
		cp -R "$modules/$name" node_modules/
	done

	cat >app.mjs <<-'END'
		import { deepEqual, equal } from 'node:assert/strict';
		import { createElement } from 'react';
		import { renderToString } from 'react-dom/server';
		import * as all from '@wsd/client';
		import { useSubscription, useUpdates } from '@wsd/client/react';

		function App() {
		  useSubscription('t', () => {}, { token: () => 'x' });
		  return useUpdates('t').state.name + useUpdates('').state.name;
		}
		deepEqual(Object.keys(all), ['publish', 'subscribe']);
		equal(renderToString(createElement(App)), 'connectingidle');
	END
	node app.mjs
	"$modules/.bin/esbuild" app.mjs --bundle --platform=node --outfile=out.cjs \
		--define:process.env.NODE_ENV='"production"' --metafile=meta
	(($(jq '[.inputs | keys[] | select(endswith("react/index.js"))] |
		length' meta) == 1))

	cp "$BATS_TEST_DIRNAME/js/types.tsx" .
	for name in bundler:esnext node16:node16 node10:esnext; do
		"$modules/.bin/tsc" --noEmit --strict --jsx react-jsx \
			--exactOptionalPropertyTypes --target es2022 \
			--lib es2022,dom --ignoreDeprecations 6.0 --types react \
			--moduleResolution "${name%:*}" --module "${name#*:}" \
			types.tsx
	done
}

@test "with a real wsd, whose connections end in every way" {
	passes js/live.test.mjs
}

@test "React in Chromium" {
	passes browser/react.test.mjs
}

@test "as wsd serves it, and as its README prints it, in Chromium" {
	passes browser/clientpage.test.mjs
}
