#!/usr/bin/env bats
# The console that wsd serves at /, in a real browser; what is done there is in
# browser/console*.mjs. And its files, as any client gets them.
# shellcheck disable=SC2154 # what start_wsd sets

load helper
load http

# console NAME, use NAME, list NAME: with screenshots in the test's directory.
console() {
	export BIN
	timeout 100 node "$BATS_TEST_DIRNAME/browser/${2:-console}.mjs" "$1" \
		"${SHOTS:-$BATS_TEST_TMPDIR}"
}

use() {
	console "$1" consoleuse
}

list() {
	console "$1" consolelist
}

@test "what is shown, filtered, kept and copied, without a page" {
	passes js/console.test.mjs
}

@test "updates come, newest first, and open as a tree; rate and tenant are told" {
	console live
}

@test "the tenants of the server can be chosen from" {
	console tenants
}

@test "what is shown is chosen by a text or a path, numbers of any length too" {
	console filter
}

@test "a pause loses nothing" {
	console pause
}

@test "an update is checked as one types, and published as it was typed" {
	console publish
}

@test "what is not retained any more is told as a gap" {
	console history
}

@test "a restart of wsd is told: the loss, the return, the gap" {
	console restart
}

@test "a token is asked for, refused, taken; and stays in memory" {
	console token
}

@test "everything by the keyboard" {
	console keyboard
}

@test "markup and bidi do no harm" {
	console hostile
}

@test "what is JSON is shown as it was sent" {
	console exact
}

@test "a megabyte does not hold up the page" {
	console large
}

@test "what is nested as deep as wsd takes it can be read" {
	use deep
}

@test "what a link says does no harm, and a token is kept nowhere" {
	use link
}

@test "commands follow and publish in any shell, as they are copied" {
	use commands
}

@test "commands take a token from the environment, and no one sees it" {
	use guarded
}

@test "updates and commands are for the tenant that one sees" {
	use target
}

@test "at the top one follows, unless one is busy with a row" {
	list follow
}

@test "what one selects stays where it is" {
	list select
}

@test "a click hits the row that it was aimed at" {
	list click
}

@test "the list is right whatever is done with it" {
	list random
}

@test "what the page cannot hold is told, and a pause keeps what one sees" {
	list bound
}

@test "with another token one goes on where the one before ended" {
	use expiry
}

@test "to connect again loses nothing, and tries at once" {
	use again
}

@test "who listens to the page is not flooded" {
	use quiet
}

@test "a server that does not answer is not asked more and more" {
	use stalled
}

@test "in windows of all sizes" {
	use sizes
}

@test "nothing moves for who wants that" {
	use still
}

@test "over TLS" {
	make_tls "$BATS_TEST_TMPDIR/tls"
	WSD_TLS=$BATS_TEST_TMPDIR/tls use tls
}

@test "below a path, behind a proxy" {
	use prefix
}

@test "on a phone" {
	console narrow
}

@test "in the dark" {
	console dark
}

@test "who has scrolled down keeps what he sees" {
	console scroll
}

# The figure of 100 ms is measured by the bench, on a machine that is quiet.
@test "1000 updates a second do not freeze it" {
	LOAD_BLOCK_MS=1000 console load
}

@test "its files need no token, and are not sent twice" {
	umask 077
	"$BIN/wstoken" keygen "$BATS_TEST_TMPDIR/key"
	start_wsd --jwt-key "$BATS_TEST_TMPDIR/key"
	cd "$BATS_TEST_TMPDIR" || return
	local path etag length

	for path in / /client.js /console/console.js /console/console.css; do
		get 200 -D head "$http$path"
		length=$(stat -c %s "$body")
		etag=$(sed -n 's/^ETag: \(.*\)\r$/\1/p' head)
		grep -q '^Cache-Control: no-cache' head
		grep -q "^Content-Security-Policy: default-src 'none'; script-src 'self'; .*frame-ancestors 'none'" head
		[[ $(cat head) != *unsafe* ]]
		grep -q '^X-Content-Type-Options: nosniff' head
		rm "$body"
		get 304 -D head -H "If-None-Match: \"x\", $etag" "$http$path"
		[[ ! -e $body ]]
		grep -qF "ETag: $etag" head
		get 200 -H 'If-None-Match: "x"' "$http$path"
		get 200 -I "$http$path"
		grep -q "^Content-Length: $length" "$body"
	done
	cmp <(curl -s "$http/") "$BATS_TEST_DIRNAME/../web/console.html"
	cmp <(curl -s "$http/client.js") "$BATS_TEST_DIRNAME/../clients/js/client.js"
	for path in "$BATS_TEST_DIRNAME"/../web/*.{js,css}; do
		cmp <(curl -s "$http/console/${path##*/}") "$path"
	done
	refused 405 METHOD_NOT_ALLOWED -X POST "$http/"
	refused 404 NOT_FOUND "$http/console/console.html"
	refused 404 NOT_FOUND --path-as-is "$http/console/../client.js"
	refused 403 FORBIDDEN -H 'Host: evil.example' "$http/"
	refused 403 FORBIDDEN -H 'Origin: https://evil.example' "$http/client.js"
	refused 401 AUTH_REQUIRED "$http/v1/tenants/t"
}

@test "one tenant is told of alone" {
	start_wsd
	refused 404 NOT_FOUND "$http/v1/tenants/t"
	refused 400 BAD_TENANT "$http/v1/tenants/.."  --path-as-is
	get 200 -d 7 "$http/v1/tenants/t/updates"
	get 200 "$http/v1/tenants/t"
	says '.tenantId == "t" and .seq == 1 and .retained == 1 and .subscribers == 0'
	refused 400 BAD_REQUEST "$http/v1/tenants/t?limit=1"
	refused 405 METHOD_NOT_ALLOWED -X DELETE "$http/v1/tenants/t"
}
