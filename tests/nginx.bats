#!/usr/bin/env bats
# A real nginx with examples/nginx/wsd.conf in front of one wsd, and of two: what
# examples.bats (who is let in) and proxy.bats (whose address) do not have.
# needs: nginx
# shellcheck disable=SC2154,SC2034 # what the loaded functions set, and take

load helper
load redis
load nginx

bats_require_minimum_version 1.5.0

setup() {
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
	PATH=$BIN:$PATH
}

# watches FILE [OPTION...]: a wssub that has subscribed through nginx and writes
# to FILE; what it says goes to FILE.err. It is $PID.
watches() {
	local ready=$T/subscribed.${#started[@]}

	mkfifo "$ready"
	exec 6<>"$ready"
	start wssub --ready-fd 6 -u "ws://127.0.0.1:$front/ws" -W 50 "${@:2}" \
		tenant-1 >"$1" 2>"$1.err" 5<&-
	read -r -t 20 _ <&6
	exec 6<&-
}

# ends PID STATUS
ends() {
	local status=0

	wait "$1" || status=$?
	((status == $2))
}

# until_line FILE LINE: waits until it is there.
until_line() {
	timeout 20 tail -n +1 -f "$1" | grep -qxm1 "$2"
}

# until_said FILE TEXT: the same of a part of a line.
until_said() {
	timeout 20 tail -n +1 -f "$1" | grep -qm1 "$2"
}

# age: of the WebSocket of wsd, in ms.
age() {
	curl -sf "$http/v1/connections" | jq '.connections[].ageMs'
}

@test "nginx: wspub and wssub, and large updates, through it" {
	local through

	behind_nginx '' --max-message 1M
	through=ws://127.0.0.1:$front/ws
	printf '{"n":%d}\n' {1..5000} >"$T/lines"
	printf '"%01000000d"\n' {1..3} >>"$T/lines"
	watches "$T/got" -c 5003
	wspub -u "$through" tenant-1 -f "$T/lines"
	ends "$PID" 0
	cmp "$T/got" "$T/lines"
}

short='s|_timeout 60s;|_timeout 1s;|'

@test "nginx: pings keep a quiet connection that a short proxy_read_timeout would end" {
	local ms

	behind_nginx "$short" --ping 300ms
	watches "$T/got" --no-reconnect -c 1
	until ms=$(age) && ((${ms:-0} >= 3000)); do
		again
	done
	wspub -u "$url" tenant-1 1
	ends "$PID" 0
}

@test "nginx: pings keep a quiet stream of events, too" {
	local ms

	behind_nginx 's|proxy_intercept_errors on;|& proxy_read_timeout 1s;|' \
		--ping 300ms
	mkfifo "$T/events"
	exec 6<>"$T/events"
	start curl -sN -H 'Accept: text/event-stream' 6<&- >"$T/events" \
		"http://127.0.0.1:$front/v1/tenants/tenant-1/updates"
	until ms=$(age) && ((${ms:-0} >= 3000)); do
		again
	done
	wspub -u "$url" tenant-1 1
	timeout 20 grep -qxm1 'data: 1' <&6
	exec 6<&-
}

@test "nginx: without pings it ends it" {
	behind_nginx "$short"
	watches "$T/got" --no-reconnect
	ends "$PID" 3
}

@test "nginx: a reload leaves connections alone, also such with a new configuration" {
	local old

	behind_nginx
	watches "$T/old" --no-reconnect -c 2
	old=$PID
	sed -i 's|deny all;|allow 127.0.0.2; deny all;|' "$T/wsd.conf"
	[[ $(from=127.0.0.2 answer /ws) == 403 ]]
	reload
	until [[ $(from=127.0.0.2 answer /ws) == 426 ]]; do again; done
	watches "$T/new" --no-reconnect -c 2
	wspub -u "$url" tenant-1 1
	until_line "$T/old" 1
	reload
	wspub -u "$url" tenant-1 2
	ends "$old" 0
	ends "$PID" 0
	cmp "$T/old" <(printf '1\n2\n')
	cmp "$T/old" "$T/new"
}

@test "nginx: when a reload ends old connections, wssub resumes and nothing is lost" {
	behind_nginx
	sed -i '1i worker_shutdown_timeout 100ms;' "$T/nginx.conf"
	reload
	watches "$T/got" -v --strict -c 3
	wspub -u "$url" tenant-1 1
	until_line "$T/got" 1
	reload
	wspub -u "$url" tenant-1 2
	until_said "$T/got.err" 'lost the connection'
	wspub -u "$url" tenant-1 3
	ends "$PID" 0
	cmp "$T/got" <(printf '1\n2\n3\n')
}

# A certificate for localhost and updates.example.com, which $T/certificate is
# itself the authority of; the server of wsd.conf has it.
encrypted='s|#ssl_certificate /.*|ssl_certificate certificate;|
	s|#ssl_certificate_key .*|ssl_certificate_key key;|'
certify() {
	local names=DNS:localhost,DNS:updates.example.com

	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=localhost -addext subjectAltName=$names \
		-keyout "$T/key" -out "$T/certificate" 2>"$T/openssl"
}

# page SITE STATUS ORIGIN: a handshake there by a page of that origin.
page() {
	if (($2 == 101)); then
		from=127.0.0.1 site=$1 opens --cacert certificate -H "Origin: $3"
	else
		[[ $(from=127.0.0.1 site=$1 answer /ws "${handshake[@]}" \
			--cacert certificate -H "Origin: $3") == "$2" ]]
	fi
}

@test "nginx: TLS ends there" {
	local through name=updates.example.com

	certify
	front_as=ssl behind_nginx "$encrypted"
	through=wss://localhost:$front/ws
	wspub --cacert certificate -u "$through" tenant-1 '"over TLS"'
	[[ $(wssub --cacert certificate -u "$through" --since all -c 1 -W 20 \
		tenant-1) == '"over TLS"' ]]
	run -3 wssub -u "$through" -c 1 tenant-1
	[[ $output == *certificate* ]]
	page https://$name 101 https://app.example.com
	page https://$name 101 https://$name
	page https://$name 403 http://$name
	page https://$name 403 https://$name:8443
	page https://$name:8443 101 https://$name:8443
}

@test "nginx: a page in Chromium, over https, with both from nginx" {
	certify
	mkdir "$T/site"
	sed 's|"localhost:3000"; // behind nginx: location.host|location.host;|' \
		"$examples/browser/https.html" >"$T/site/index.html"
	grep -q '= location.host;' "$T/site/index.html"
	front_as=ssl behind_nginx "$encrypted; s|return 404;|root $T/site;|"
	NODE_EXTRA_CA_CERTS=$T/certificate passes browser/nginx.test.mjs \
		"https://localhost:$front/" "$url" "$T/certificate"
}

@test "nginx: an EventSource in Chromium lives on, whoever is away for a while" {
	mkdir "$T/site"
	echo '<!doctype html><title>test</title><link rel="icon" href="data:,">' \
		>"$T/site/index.html"
	http=http://unix:$T/wsd.socket start_nginx "s|return 404;|root $T/site;|"
	sed -i '1i worker_shutdown_timeout 100ms;' "$T/nginx.conf"
	reload
	passes browser/nginxevents.test.mjs "http://127.0.0.1:$front" \
		"$T/wsd.socket" "$examples/systemd/wsd.json" \
		"$nginx" -e stderr -p "$T" -c "$T/nginx.conf" -s reload
}

# Two wsd behind one nginx, each with its redis2ws on one Redis.

# bridged: a redis2ws of the wsd that was started last, once it has subscribed.
bridged() {
	local ready=$T/bridged.${#started[@]}

	mkfifo "$ready"
	exec 6<>"$ready"
	start redis2ws --config "$examples/systemd/redis2ws.json" -u "$url" \
		--redis "unix:$redis_socket" --ready-fd 6
	read -r -t 20 _ <&6
	exec 6<&-
}

# pair [BALANCING]: sets `first`, `first_bridge` and `first_http`; the second one
# is in `wsd` and `http`.
pair() {
	local one=(--config "$examples/systemd/wsd.json" --listen 127.0.0.1:0)

	start_redis
	start_wsd "${one[@]}"
	bridged
	first=$wsd first_bridge=$PID first_http=$http
	started+=("$first")
	start_wsd "${one[@]}"
	bridged
	start_nginx "s|#server 127.0.0.1:3001;|server ${first_http#http://};|
		s|#zone|zone|; s|#least_conn;|${1-least_conn};|"
}

# how_many HTTP: WebSockets of subscribers, without the one of redis2ws.
how_many() {
	curl -sf "$1/v1/connections" |
		jq '[.connections[] | select(.subscriptionCount > 0)] | length'
}

# announce FROM TO: in Redis, each number in a message.
announce() {
	seq "$1" "$2" | sed "s/.*/publish job_updates '{\"tenantId\":\"tenant-1\",\"n\":&}'/" |
		cli >/dev/null
}

# numbered FROM TO: the updates that become of them.
numbered() {
	seq "$1" "$2" | sed 's/.*/{"n":&}/'
}

@test "two wsd: every subscriber gets every Redis message, whichever has it" {
	local i pids=()

	pair
	for i in {1..6}; do
		watches "$T/got.$i" -c 500
		pids[i]=$PID
	done
	[[ $(how_many "$http") == 3 ]]
	[[ $(how_many "$first_http") == 3 ]]
	announce 1 500
	for i in {1..6}; do
		ends "${pids[i]}" 0
		numbered 1 500 | cmp - "$T/got.$i"
	done
}

@test "two wsd: whose one is killed changes over, with a GAP in place of a hole" {
	local i on=(0) options=('' -e -e --strict --strict) pids=()

	pair
	for i in 1 2 3 4; do
		watches "$T/got.$i" "${options[i]}"
		pids[i]=$PID
		on[i]=$(how_many "$first_http")
	done
	[[ ${on[2]} == 1 && ${on[4]} == 2 ]]
	announce 1 10
	for i in 1 2 3 4; do
		until_said "$T/got.$i" '"n":10}'
	done
	kill -KILL "$first" "$first_bridge"
	announce 11 20
	for i in 1 2; do
		until_said "$T/got.$i" '"n":20}'
		jq -c '.data // .' "$T/got.$i" >"$T/data"
		if ((on[i] == on[i - 1])); then
			numbered 1 20 | cmp - "$T/data"
		else # all that the other one retains, so some of it again
			jq -e -s '.[10] | .type == "GAP" and .reason == "restart"' \
				"$T/got.$i"
			sed 11d "$T/data" |
				cmp - <(numbered 1 10 && numbered 1 20)
		fi
	done
	for i in 3 4; do
		if ((on[i] == on[i - 1])); then
			until_said "$T/got.$i" '"n":20}'
			numbered 1 20 | cmp - "$T/got.$i"
		else
			ends "${pids[i]}" 7
			numbered 1 10 | cmp - "$T/got.$i"
		fi
	done
}

@test "two wsd: of two EventSources one changes over, with a gap in place of a hole" {
	local i gaps=0

	pair
	for i in 1 2; do
		start node "$BATS_TEST_DIRNAME/tools/events.mjs" \
			"http://127.0.0.1:$front/v1/tenants/tenant-1/updates" \
			>"$T/got.$i" 2>"$T/opened.$i"
		until grep -qs open "$T/opened.$i"; do again; done
	done
	[[ $(how_many "$first_http") == 1 && $(how_many "$http") == 1 ]]
	announce 1 10
	for i in 1 2; do
		until_said "$T/got.$i" '"n":10}'
	done
	kill -KILL "$first" "$first_bridge"
	announce 11 20
	for i in 1 2; do
		until_said "$T/got.$i" '"n":20}'
		sed -n 's/^message [^ ]* //p' "$T/got.$i" >"$T/data"
		if grep -q '^gap .*"reason":"restart"}$' "$T/got.$i"; then
			((++gaps))
			[[ $(sed -n 11p "$T/got.$i") == 'gap '* ]]
			cmp "$T/data" <(numbered 1 10 && numbered 1 20)
		else
			numbered 1 20 | cmp - "$T/data"
		fi
	done
	((gaps == 1))
}

@test "two wsd: in the plain dialect the end is the sign; since there is 4001" {
	pair
	export -f announce cli how_many
	export first first_bridge first_http redis_socket
	raw "ws://127.0.0.1:$front/ws" <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"tenant-1"}
		a idle
		b open
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"tenant-1"}
		b recv {"type":"SUBSCRIBED"}
		! [[ $(how_many "$http") == 1 && $(how_many "$first_http") == 1 ]]
		! announce 1 2
		a exact {"n":1}
		a exact {"n":2}
		b exact {"n":1}
		b exact {"n":2}
		! kill -KILL "$first" "$first_bridge"
		b end
		! announce 3 3
		a exact {"n":3}
		c open
		c send {"type":"SUBSCRIBE","tenantId":"tenant-1","since":{"epoch":"%epoch%","seq":2}}
		c closed 4001
		d open
		d send {"type":"SUBSCRIBE","tenantId":"tenant-1","since":"all"}
		d exact {"n":1}
		d exact {"n":2}
		d exact {"n":3}
		a idle
	END
}

@test "two wsd: one that shuts down gets nobody any more, and loses nothing" {
	local i

	pair
	for i in 1 2; do
		watches "$T/got.$i" -v -e
	done
	[[ $(how_many "$first_http") == 1 ]]
	announce 1 10
	for i in 1 2; do
		until_said "$T/got.$i" '"n":10}'
	done
	kill "$first_bridge"
	wait "$first_bridge" || true
	kill "$first"
	wait "$first"
	announce 11 20
	for i in 1 2; do
		until_said "$T/got.$i" '"n":20}'
		jq 'select(.data).data.n' "$T/got.$i" | sort -nu | cmp - <(seq 20)
	done
	[[ $(how_many "$http") == 2 ]]
}

@test "two wsd: by hash one comes back to the same, and resumes without a gap" {
	local i pids=()

	pair "hash \$remote_addr consistent"
	sed -i '1i worker_shutdown_timeout 100ms;' "$T/nginx.conf"
	reload
	for i in 1 2 3; do
		watches "$T/got.$i" -v --strict -c 20
		pids[i]=$PID
	done
	(($(how_many "$http") % 3 == 0))
	announce 1 10
	until_said "$T/got.3" '"n":10}'
	reload
	for i in 1 2 3; do
		until_said "$T/got.$i.err" 'lost the connection'
	done
	announce 11 20
	for i in 1 2 3; do
		ends "${pids[i]}" 0
		numbered 1 20 | cmp - "$T/got.$i"
	done
}
