#!/usr/bin/env bats
# wsd behind a proxy that it was told of: whose the requests are, and that nobody
# else is believed.
# shellcheck disable=SC2154,SC2030,SC2031 # what start_wsd sets; each in its test

bats_require_minimum_version 1.5.0
load helper
load http
load nginx

setup() {
	# shellcheck disable=SC2034 # for nginx.bash
	T=$BATS_TEST_TMPDIR
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
	"$BIN/wstoken" keygen key
}

# via ADDRESS CODE PATH [CURL ARGUMENT...]: as a proxy sends it for ADDRESS.
via() {
	get "$2" -H "X-Forwarded-For: $1" "${@:4}" "$http$3"
}

logged() {
	cat "$wsd_log"
	grep -qF -e "$1" "$wsd_log"
}

# addresses: of all WebSockets, as /v1/connections tells them.
addresses() {
	curl -s "$http/v1/connections" | jq -r '.connections[].address'
}
export -f addresses

bad=(-H 'Authorization: Bearer x.y.z')

@test "what is no address, or has everybody in it, is refused" {
	for text in '' x localhost 192.0.2.1:80 192.0.2.0/33 192.0.2.0/ \
		'[::1]' UNIX unix:/run/s; do
		run "$BIN/wsd" --check-config --behind-proxy "$text"
		[[ $status == 2 && $output == "wsd: --behind-proxy: '$text': "* ]]
	done
	run "$BIN/wsd" --check-config --behind-proxy 10.0.0.1/8
	[[ $status == 2 && $output == *"bits of the address are set behind those that count"* ]]
	run "$BIN/wsd" --check-config --behind-proxy ::/0
	[[ $status == 2 && $output == *"all addresses that there are"* ]]
	"$BIN/wsd" --check-config --behind-proxy 10.0.0.0/8 \
		--behind-proxy 2001:db8::/32 --behind-proxy ::1 --behind-proxy unix
}

@test "the log has the address of the client, not of the proxy" {
	start_wsd -v --log-format json --behind-proxy 127.0.0.1
	via 203.0.113.7 404 /nowhere
	via '198.51.100.1, 2001:db8::7' 403 / -H 'Origin: http://evil.example'
	get 404 "$http/elsewhere"
	[[ $(jq -r 'select(.event == "http_error" or .event == "refused_origin")
		| .address' "$wsd_log" | xargs) == "203.0.113.7 2001:db8::7 127.0.0.1" ]]
}

@test "connections are told with the address of the client" {
	start_wsd --behind-proxy 127.0.0.0/8
	raw <<-'END'
		a header X-Forwarded-For: 203.0.113.7
		a open
		b header X-Forwarded-For: 203.0.113.7, [2001:db8::7]:4711, 127.0.0.2
		b open wsd.v1
		b recv {"type":"WELCOME"}
		a idle
		! diff - <(addresses) <<<$'203.0.113.7\n[2001:db8::7]:4711'
		c open
		c idle
		! addresses | grep -q '^127.0.0.1:[1-9]'
	END
}

@test "from nobody else such headers mean anything" {
	start_wsd --behind-proxy 192.0.2.1 --behind-proxy 127.0.0.2 \
		--behind-proxy ::1 --behind-proxy unix --host wsd.example
	via nonsense 200 /readyz
	raw <<-'END'
		a header X-Forwarded-For: 203.0.113.7
		a open
		a idle
		! addresses | grep -q '^127.0.0.1:[1-9]'
	END
	stop_wsd
	start_wsd
	via nonsense 200 /readyz -H 'X-Forwarded-Proto: https'
}

@test "a proxy that names nobody is asked no more than others" {
	start_wsd -v --log-format json --behind-proxy 127.0.0.1
	get 200 "$http/readyz"
	via '' 200 /readyz
	via ' , ' 404 /nowhere
	[[ $(jq -r 'select(.event == "http_error").address' "$wsd_log") == 127.0.0.1 ]]
}

@test "a proxy that names what is no address gets nobody in" {
	start_wsd --behind-proxy 127.0.0.1
	for text in unknown 192.0.2.1x '192.0.2.1, _hidden' example.com; do
		via "$text" 400 /readyz
		says '.error.code == "BAD_REQUEST"'
		via "$text" 400 /ws "${handshake[@]}"
	done
	logged "refused a request of proxy '127.0.0.1': its X-Forwarded-For is no list of addresses"
	run ! grep -q hidden "$wsd_log"
	get 200 "$http/metrics"
	grep -qxF 'wsd_refused_total{reason="forwarded"} 8' "$body"
	# What comes before an address that is no proxy's is the client's affair.
	via 'unknown, 192.0.2.1' 200 /readyz
}

@test "bad tokens are counted for the client: neither for the proxy nor for others" {
	start_wsd --jwt-key key --behind-proxy 127.0.0.1 --auth-failures 2
	for code in 401 401 429; do
		via 203.0.113.7 "$code" /metrics "${bad[@]}"
	done
	# It changes what it claims to be, which its proxy passes on.
	via '203.0.113.8, 203.0.113.7' 429 /metrics "${bad[@]}"
	via 203.0.113.8 401 /metrics "${bad[@]}"
	get 401 "${bad[@]}" "$http/metrics"
	logged "2 bad tokens from '203.0.113.7' within a minute"
}

@test "bad tokens on a WebSocket are counted for the client too" {
	start_wsd --jwt-key key --behind-proxy 127.0.0.1 --auth-failures 1
	raw <<-'END'
		a header X-Forwarded-For: 203.0.113.7
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"AUTH","id":1,"token":"x.y.z"}
		a recv {"type":"ERROR","id":1,"code":"AUTH_FAILED"}
		a closed 4011
	END
	via 203.0.113.7 429 /metrics "${bad[@]}"
	via 203.0.113.8 401 /metrics "${bad[@]}"
}

# many COUNT NAME VERB...: of each of so many connections, NAME1 and so on.
many() {
	for ((i = 1; i <= $1; i++)); do
		echo "$2$i ${*:3}"
	done
}

@test "--max-per-address counts clients, and the proxy not at all" {
	start_wsd --behind-proxy 127.0.0.1 --max-per-address 2
	raw <<-END
		$(many 2 a header X-Forwarded-For: 203.0.113.7)
		$(many 2 a open)
		$(many 2 b header X-Forwarded-For: 203.0.113.8)
		$(many 2 b open)
		$(many 5 c connect)
		b2 idle
		d header X-Forwarded-For: 203.0.113.9, 203.0.113.7
		d try
		d status 429
		d head Retry-After: 10
		d body "code":"OVER_CAPACITY"
		d end
		a1 drop
		! until [[ \$(addresses | grep -c 203.0.113.7) == 1 ]]; do again; done
		e header X-Forwarded-For: 203.0.113.7
		e open
		e idle
		f open
		g open
		h try
		h status 429
	END
	logged 'refused a connection from 203.0.113.7: 2 are as many as one address may have (--max-per-address)'
	grep -q '^wsd: refused a connection from 127.0.0.1:[1-9][0-9]*: 2 are' "$wsd_log"
}

@test "clients of a proxy on loopback have the usual limit, not that of loopback" {
	start_wsd --behind-proxy 127.0.0.1
	raw <<-END
		$(many 1000 a header X-Forwarded-For: 203.0.113.7)
		$(many 1000 a open)
		b header X-Forwarded-For: 203.0.113.7
		b try
		b status 429
		c open
		c idle
	END
}

@test "an answer to a client that has too many can be read by its page" {
	start_wsd --behind-proxy 127.0.0.1 --max-per-address 1
	raw <<-'END'
		a header X-Forwarded-For: 203.0.113.7
		a open
		a idle
		! curl -s -D head -o full -H 'X-Forwarded-For: 203.0.113.7' -H 'Origin: http://localhost' "$http/readyz"
	END
	head -n 1 head | grep -q ' 429 '
	grep -qi '^Access-Control-Allow-Origin: http://localhost.$' head
}

@test "where the client came by https, a page that came by http is another site" {
	start_wsd --host wsd.example --behind-proxy 127.0.0.1
	page=(-H 'Host: wsd.example' -H 'Origin: http://wsd.example')
	via 203.0.113.7 200 /readyz "${page[@]}"
	via 203.0.113.7 200 /readyz "${page[@]}" -H 'X-Forwarded-Proto: http'
	via 203.0.113.7 403 /readyz "${page[@]}" -H 'X-Forwarded-Proto: https'
	via 203.0.113.7 200 /readyz -H 'X-Forwarded-Proto: https' \
		-H 'Host: wsd.example' -H 'Origin: https://wsd.example'
	stop_wsd
	start_wsd --host wsd.example
	get 200 "${page[@]}" -H 'X-Forwarded-Proto: https' "$http/readyz"
}

@test "a proxy on a Unix socket" {
	start_wsd --listen "unix:$BATS_TEST_TMPDIR/s" -v --log-format json \
		--behind-proxy unix
	http=http://localhost
	via 203.0.113.7 404 /x --unix-socket s
	via '203.0.113.8, unix:' 404 /x --unix-socket s
	via x 400 /x --unix-socket s
	[[ $(jq -r 'select(.event == "http_error").address' "$wsd_log" | xargs) == "203.0.113.7 203.0.113.8" ]]
}

# As another machine would, from another address of loopback.
everybody='s|allow 127.0.0.1;|allow 127.0.0.0/8;|'

@test "behind nginx wsd sees who the client is, whatever it claims" {
	behind_nginx "$everybody" -v --log-format json
	from=127.0.0.2 opens
	from=127.0.0.3 opens -H 'X-Forwarded-For: 203.0.113.7'
	from=127.0.0.4 opens -H 'X-Forwarded-For: 203.0.113.7, 127.0.0.1' \
		-H 'X-Forwarded-For: 203.0.113.8' -H 'Forwarded: for=203.0.113.9'
	from=127.0.0.5 opens -H 'X-Forwarded-For: nonsense'
	diff <(addresses) <(printf '127.0.0.%d\n' 2 3 4 5)
	[[ $(from=127.0.0.6 answer /ws -H 'X-Forwarded-For: 203.0.113.7') == 426 ]]
	[[ $(jq -r 'select(.event == "http_error").address' "$wsd_log") == 127.0.0.6 ]]
	"$BIN/wspub" -u "$url" tenant-1 1
}

@test "behind nginx bad tokens are counted for the client, not for nginx" {
	behind_nginx "$everybody" --jwt-key key --auth-failures 2
	for status in 401 401 429; do
		[[ $(from=127.0.0.2 answer /ws "${handshake[@]}" "${bad[@]}") == "$status" ]]
	done
	[[ $(from=127.0.0.2 answer /ws "${handshake[@]}" "${bad[@]}" \
		-H 'X-Forwarded-For: 203.0.113.7') == 429 ]]
	[[ $(from=127.0.0.3 answer /ws "${handshake[@]}" "${bad[@]}") == 401 ]]
	logged "2 bad tokens from '127.0.0.2' within a minute"
}

@test "behind nginx --max-per-address counts clients" {
	behind_nginx "$everybody" --max-per-address 1
	from=127.0.0.2 opens
	from=127.0.0.3 opens
	[[ $(from=127.0.0.2 answer /ws "${handshake[@]}") == 429 ]]
	[[ $(from=127.0.0.4 answer /readyz) == 200 ]]
}

@test "what comes over a Unix socket of nginx has no address" {
	behind_nginx 's|allow 127.0.0.1;|allow unix:;|'
	opens
	opens -H 'X-Forwarded-For: 203.0.113.7'
	[[ $(addresses) == $'unix\nunix' ]]
}

@test "SIGHUP changes who is believed" {
	echo '{"listen": "127.0.0.1:0"}' >c.json
	start_wsd --config c.json
	via nonsense 200 /readyz
	echo '{"listen": "127.0.0.1:0", "behind-proxy": ["127.0.0.1", "unix"]}' >c.json
	kill -HUP "$wsd"
	until grep -qF 'behind-proxy: [] -> ["127.0.0.1", "unix"]' "$wsd_log"; do again; done
	via nonsense 400 /readyz
	echo '{"listen": "127.0.0.1:0"}' >c.json
	kill -HUP "$wsd"
	until grep -qF 'behind-proxy: ["127.0.0.1", "unix"] -> []' "$wsd_log"; do again; done
	via nonsense 200 /readyz
}

@test "tokens that go unencrypted off loopback are worth a warning" {
	warning='tokens and updates go unencrypted over ws://0.0.0.0:'
	start_wsd --jwt-key key --listen 0.0.0.0:0 --listen 127.0.0.1:0 \
		--listen "unix:$BATS_TEST_TMPDIR/s"
	logged "$warning"
	logged 'use --tls-cert, or where a proxy in front ends TLS --behind-proxy'
	[[ $(wc -l <"$wsd_log") == 1 ]]
	stop_wsd
	# A proxy on this machine is none for who comes from another one.
	for proxy in 127.0.0.1 127.0.0.0/8 ::1 unix; do
		: >"$wsd_log"
		start_wsd --jwt-key key --listen 0.0.0.0:0 --behind-proxy "$proxy"
		logged "$warning"
		stop_wsd
	done
	for options in '--jwt-key key --listen localhost:0' \
		'--jwt-key key --listen 0.0.0.0:0 --behind-proxy ::1 --behind-proxy 192.0.2.1' \
		'--jwt-key key --listen localhost:0 --behind-proxy 127.0.0.1' \
		'--no-access-control --listen 0.0.0.0:0'; do
		: >"$wsd_log"
		# shellcheck disable=SC2086 # several
		start_wsd $options
		stop_wsd
		[[ ! -s $wsd_log ]]
	done
}
