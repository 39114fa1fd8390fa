#!/usr/bin/env bats
# What pages of other origins may ask and read, as browsers see it (CORS), and
# what browsers are told of every answer.
# shellcheck disable=SC2154 # what start_wsd sets

load helper
load http

app=https://app.example.com

setup() {
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
}

# page CODE PATH [CURL ARGUMENT...]: what a page of $app gets; `lines` has the
# header lines of the answer, without their ends.
page() {
	get "$1" -D raw-head -H "Origin: $app" "${@:3}" "$http$2"
	tr -d '\r' <raw-head >lines
}

# has LINE: whether the answer has this header.
has() {
	cat lines
	grep -qxF -e "$1" lines
}

# lacks PATTERN
lacks() {
	cat lines
	! grep -qi -e "$1" lines
}

# readable: whether a browser lets the page of $app read the last answer.
readable() {
	has "Access-Control-Allow-Origin: $app" && has 'Vary: Origin' &&
		lacks '^Access-Control-Allow-Credentials'
}

# preflight CODE PATH METHOD [HEADERS]
preflight() {
	page "$1" "$2" -X OPTIONS -H "Access-Control-Request-Method: $3" \
		${4:+-H "Access-Control-Request-Headers: $4"}
}

@test "a page of an allowed origin may read every answer, and why it failed" {
	start_wsd --origin "$app" --max-message 1000 --tenant-rate 1
	for path in /healthz /readyz /metrics /v1/tenants /v1/connections; do
		page 200 "$path"
		readable
		lacks '^Access-Control-Expose'
		page 405 "$path" -X PUT
		readable
	done
	page 200 /v1/tenants/t/updates "${ndjson[@]}" --data-binary $'1\n2\n3'
	readable
	page 429 /v1/tenants/t/updates -d 4
	readable
	has 'Access-Control-Expose-Headers: Retry-After, WWW-Authenticate'
	page 400 /v1/tenants/t/updates -d '{'
	readable
	page 413 /v1/tenants/t/updates -d "\"$(printf 'x%.0s' {1..9000})\""
	readable
	page 404 /nowhere
	readable
	page 426 /ws
	readable
}

@test "an answer that comes after the body may be read too" {
	start_wsd --origin "$app" --message-timeout 200ms
	raw <<-END
		a connect
		a raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nOrigin: $app\r\nContent-Length: 3\r\n\r\n"
		b connect
		b raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
		b raw "123"
		b status 200
		b lacks Access-Control-Allow-Origin
		b lacks Vary
		b end
		a raw "123"
		a status 200
		a head Access-Control-Allow-Origin: $app
		a head Vary: Origin
		a end
		c connect
		c raw "POST /v1/tenants/t/updates HTTP/1.1\r\nHost: localhost\r\nOrigin: $app\r\nContent-Length: 3\r\n\r\n1"
		c status 408
		c head Access-Control-Allow-Origin: $app
		c end
	END
}

@test "a page of another origin is refused, and may not read that either" {
	start_wsd --origin "$app"
	for origin in https://evil.example null "${app}.evil" "$app:444" \
		"http${app#https}" "$app/" "$app, $app"; do
		for method in GET POST OPTIONS; do
			get 403 -D lines -X "$method" -H "Origin: $origin" \
				-H 'Access-Control-Request-Method: GET' \
				"$http/readyz"
			lacks '^Access-Control'
			lacks '^Vary'
		done
	done
	get 403 -D lines -H "Origin: $app" -H 'Origin: https://evil.example' \
		"$http/readyz"
	lacks '^Access-Control'
}

@test "programs that are no browser are told nothing of it" {
	start_wsd --origin "$app"
	get 200 -D lines "$http/readyz"
	lacks '^Access-Control'
	lacks '^Vary'
}

@test "a page of loopback, or of the same host, may read too" {
	start_wsd --host wsd.example
	app=http://LocalHost:5173 page 200 /readyz
	has 'Access-Control-Allow-Origin: http://LocalHost:5173'
	app=https://wsd.example page 200 /readyz -H 'Host: wsd.example'
	has 'Access-Control-Allow-Origin: https://wsd.example'
}

@test "a preflight says what each path takes, without a token" {
	"$BIN/wstoken" keygen key
	start_wsd --origin "$app" --jwt-key key
	for path in /healthz /readyz /metrics /v1/tenants /v1/connections; do
		preflight 204 "$path" GET authorization
		readable
		has 'Access-Control-Allow-Methods: GET, HEAD, OPTIONS'
		has 'Access-Control-Allow-Headers: authorization'
		has 'Access-Control-Max-Age: 600'
	done
	preflight 204 /v1/tenants/t/updates POST \
		authorization,content-type,idempotency-key
	readable
	has 'Access-Control-Allow-Methods: POST, OPTIONS'
	has 'Access-Control-Allow-Headers: authorization, content-type, idempotency-key'
	preflight 204 /ws GET
	has 'Access-Control-Allow-Methods: GET, OPTIONS'
	preflight 404 /nowhere GET
	readable
	[[ ! -s $wsd_log ]]
}

@test "a preflight has no content, and neither type nor length" {
	start_wsd --origin "$app"
	preflight 204 /v1/tenants/t/updates POST
	lacks '^Content-Type'
	lacks '^Content-Length'
	[[ ! -s $body ]]
}

@test "a preflight allows the headers that mean something here, no others" {
	start_wsd --origin "$app"
	preflight 204 /readyz GET
	lacks '^Access-Control-Allow-Headers'
	preflight 204 /readyz GET 'x-evil, Content-Type ,cookie'
	has 'Access-Control-Allow-Headers: content-type'
	preflight 204 /readyz GET "authorization,$(printf 'x%.0s' {1..600})"
	lacks '^Access-Control-Allow-Headers'
	readable
}

@test "a page may come into a private network where its origin is allowed" {
	start_wsd --origin "$app"
	asks=(-X OPTIONS -H 'Access-Control-Request-Method: GET'
		-H 'Access-Control-Request-Private-Network: true')
	page 204 /readyz "${asks[@]}"
	has 'Access-Control-Allow-Private-Network: true'
	preflight 204 /readyz GET
	lacks private
	app=https://evil.example page 403 /readyz "${asks[@]}"
	lacks private
}

@test "OPTIONS without a page is answered by what there is" {
	start_wsd
	get 204 -D raw-head -X OPTIONS "$http/readyz"
	tr -d '\r' <raw-head >lines
	has 'Allow: GET, HEAD, OPTIONS'
	lacks '^Access-Control'
	get 204 -X OPTIONS -d 'a body' "$http/v1/tenants/t/updates"
	get 404 -X OPTIONS "$http/nowhere"
	get 403 -X OPTIONS -H 'Host: evil.example' "$http/readyz"
}

@test "a page reads why its token is of no use" {
	"$BIN/wstoken" keygen key
	start_wsd --origin "$app" --jwt-key key --auth-failures 2
	page 401 /v1/tenants/t/updates -d 1
	readable
	has 'WWW-Authenticate: Bearer'
	has 'Access-Control-Expose-Headers: Retry-After, WWW-Authenticate'
	token=$("$BIN/wstoken" make --key key --for 1m --publish acme)
	page 403 /v1/tenants/t/updates -d 1 -H "Authorization: Bearer $token"
	readable
	page 200 /v1/tenants/acme/updates -d 1 -H "Authorization: Bearer $token"
	readable
	for code in 401 401 429; do
		page "$code" /v1/tenants -H 'Authorization: Bearer x.y.z'
		readable
	done
	grep -q '^Retry-After: ' lines
	# The handshake of a WebSocket, too, although no browser shows it.
	page 429 /ws -H 'Upgrade: websocket' -H 'Connection: Upgrade' \
		-H 'Sec-WebSocket-Version: 13' \
		-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
		-H 'Authorization: Bearer x.y.z'
	readable
}

# safe: whether the last answer has all that is for browsers.
safe() {
	has "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'" &&
		has 'X-Content-Type-Options: nosniff' &&
		has 'Referrer-Policy: no-referrer' &&
		has 'X-Frame-Options: DENY' &&
		has 'Cross-Origin-Resource-Policy: same-origin' &&
		has 'Cache-Control: no-store'
}

@test "no answer can be framed, sniffed, stored, or loaded by other sites" {
	start_wsd --origin "$app" --max-per-address 3
	for path in /healthz /readyz /metrics /v1/tenants; do
		page 200 "$path"
		safe
	done
	preflight 204 /readyz GET
	safe
	page 404 /nowhere
	safe
	page 400 / -H 'Host: ['
	safe
	page 403 / -H 'Host: evil.example'
	safe
	raw <<-'END'
		a open
		b open
		c open
		c idle
		! curl -s -D raw-head -o full "$http/readyz"
	END
	tr -d '\r' <raw-head >lines
	has 'HTTP/1.1 429 Too Many Requests'
	safe
}
