#!/usr/bin/env bats
# TLS: what is spoken and what is refused, certificates that come, go and are
# wrong, and that all else is as without.
# shellcheck disable=SC2154 # what start_wsd and build_hostile set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load hostile
load http

setup_file() {
	export ec=$BATS_FILE_TMPDIR/ec rsa=$BATS_FILE_TMPDIR/rsa
	make_tls "$rsa" -newkey rsa:2048
	make_tls "$ec"
}

setup() {
	T=$BATS_TEST_TMPDIR
	export WSD_TLS=$ec
}

# trust CERTIFICATE: from now on.
trust() {
	export CURL_CA_BUNDLE=$1 NODE_EXTRA_CA_CERTS=$1 SSL_CERT_FILE=$1
}

# s_client [OPTION...]: shakes hands by openssl-s_client(1), and ends at once, or
# after what comes on stdin. What it shows is in `output`, by lines in `lines`.
s_client() {
	run openssl s_client -connect "${http#https://}" "$@" </dev/null
}

# refused_tls: how many handshakes have failed.
refused_tls() {
	metric 'wsd_refused_total{reason="tls"}'
}

# serial: of the certificate that a new connection gets.
serial() {
	openssl s_client -connect "${http#https://}" </dev/null 2>/dev/null |
		openssl x509 -noout -serial
}

# hup: has it read its files anew, and waits for the line of the log that tells.
hup() {
	local before now

	before=$(grep -c 'certificate' "$wsd_log" || true)
	kill -HUP "$wsd"
	until now=$(grep -c 'certificate' "$wsd_log") && ((now > before)); do
		again
	done
}

# --- What is spoken ---

@test "TLS 1.3 and 1.2, nothing older" {
	start_wsd
	[[ $url == wss://127.0.0.1:* ]]
	s_client -tls1_3
	[[ $output == *"New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256"* ]]
	s_client -tls1_2
	[[ $output == *"New, TLSv1.2, Cipher is ECDHE-ECDSA-"*"-GCM-"* ]]
	for old in -tls1_1 -tls1; do
		s_client "$old" -cipher DEFAULT@SECLEVEL=0
		((status != 0))
		[[ $output == *"alert protocol version"* ]]
	done
	[[ $(refused_tls) == 2 ]]
}

@test "forward secrecy and authenticated encryption alone, and cheap groups" {
	for WSD_TLS in "$ec" "$rsa"; do
		trust "$WSD_TLS/cert"
		start_wsd
		for good in ECDHE+AESGCM ECDHE+CHACHA20; do
			s_client -tls1_2 -cipher "$good"
			[[ $output == *"Cipher is ECDHE-"* ]]
		done
		for bad in AES128-GCM-SHA256 DHE+AESGCM ECDHE+SHA; do
			s_client -tls1_2 -cipher "$bad:@SECLEVEL=0"
			[[ $output == *"Cipher is (NONE)"* ]]
		done
		s_client -tls1_3 -groups X448:ffdhe8192
		[[ $output == *"Cipher is (NONE)"* ]]
		s_client -tls1_3 -groups X448:P-256 # asked to choose again
		[[ $output == *"Cipher is TLS_"* ]]
		stop_wsd
	done
}

@test "http/1.1 is the only protocol; who offers none speaks it too" {
	start_wsd
	s_client
	[[ $output == *"No ALPN negotiated"* ]]
	s_client -alpn h2,http/1.1
	[[ $output == *"ALPN protocol: http/1.1"* ]]
	s_client -alpn h2
	[[ $output == *"alert no application protocol"* ]]
	s_client -alpn http/1.1x
	[[ $output == *"alert no application protocol"* ]]
	[[ $(curl -s --http2 "$http/healthz" -w ' %{http_version}') == *1.1 ]]
}

@test "no renegotiation, no compression, no early data" {
	start_wsd
	run openssl s_client -connect "${http#https://}" -tls1_2 < <(
		sleep 0.2 # or it would end before it has shaken hands
		echo R
		sleep 1
	)
	[[ $output == *"RENEGOTIATING"* ]]
	[[ $output == *"no renegotiation"* ]]
	[[ $output == *"Compression: NONE"* ]]
	s_client
	[[ $output == *"Early data was not sent"* ]]
	[[ $output != *"Max Early Data: "[1-9]* ]]
}

@test "a session is resumed by its ticket, until the certificate is read anew" {
	start_wsd
	for version in -tls1_2 -tls1_3; do
		# TLS 1.3 sends its ticket behind the handshake
		printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' |
			openssl s_client -connect "${http#https://}" $version \
				-ign_eof -sess_out "$T/session" >/dev/null 2>&1
		s_client $version -sess_in "$T/session"
		[[ $output == *"Reused, TLSv1"* ]]
	done
	hup
	s_client -tls1_3 -sess_in "$T/session"
	[[ $output == *"New, TLSv1.3"* ]]
}

@test "plain HTTP is told in plain that this is TLS, whatever it asks for" {
	start_wsd -v
	plain=http://${http#https://}
	for method in GET HEAD POST OPTIONS DELETE; do
		curl -s -D "$T/head" -o "$T/body" -X "$method" -m 5 \
			"$plain/v1/tenants/t/updates" || [[ $method == HEAD ]]
		grep -q '^HTTP/1.1 400 ' "$T/head"
		[[ $method == HEAD ]] || grep -q 'speaks TLS' "$T/body"
	done
	curl -sf "$http/healthz"
	NODE_EXTRA_CA_CERTS='' raw "ws://${http#https://}/ws" <<-'END'
		a try
		a status 400
		a body this port speaks TLS
		a end
		b connect
		b raw "get / http/1.1\r\n\r\n"
		b status 400
		b end
	END
	[[ $(refused_tls) == 0 ]]
}

@test "what is neither TLS nor HTTP is ended, counted, and logged with -v" {
	start_wsd -v
	NODE_EXTRA_CA_CERTS='' raw "ws://${http#https://}/ws" <<-'END'
		a connect
		a hex 16 03 01 00 05 01 02 03 04 05
		a end
		b connect
		b hex 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e
		b end
		c connect
		c hex 16 03
		c fin
		c end
	END
	until [[ $(refused_tls) == 3 ]]; do again; done
	[[ $(grep -c 'a handshake of TLS failed: ' "$wsd_log") == 3 ]]
	curl -sf "$http/healthz"
}

@test "a target may name its scheme, which has to be that of the connection" {
	start_wsd --listen 127.0.0.1:0 --listen "unix:$T/s" --behind-proxy unix
	to=(--request-target)
	for scheme in http https HTTPS; do
		get 200 "$http/readyz" "${to[@]}" "$scheme://localhost/readyz?x"
		get 403 "$http/readyz" "${to[@]}" "$scheme://other.example/readyz"
		get 426 "$http/ws" "${to[@]}" "$scheme://localhost/ws"
	done
	local plain=(--unix-socket "$T/s" http://localhost/readyz "${to[@]}")
	get 200 "${plain[@]}" http://localhost/readyz
	get 400 "${plain[@]}" https://localhost/readyz
	get 200 "${plain[@]}" https://localhost/readyz \
		-H 'X-Forwarded-For: 192.0.2.1' -H 'X-Forwarded-Proto: https'
}

@test "Unix sockets stay plain, and every URL says what it is" {
	start_wsd --listen "unix:$T/s" --listen 127.0.0.1:0 --listen '[::1]:0'
	[[ ${urls[0]} == ws+unix:* ]]
	[[ ${urls[1]} == wss://127.0.0.1:*/ws && ${urls[2]} == 'wss://[::1]:'*/ws ]]
	curl -sf --unix-socket "$T/s" http://localhost/healthz
	for url in "${urls[@]:1}"; do
		base=${url/#wss/https}
		curl -sf "${base%/ws}/healthz"
	done
	raw "${urls[0]}" <<-END
		a open
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		b url ${urls[2]}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"PUBLISH","id":1,"tenantId":"t","data":7}
		b recv {"type":"ACK","subscribers":1}
		a exact 7
	END
}

@test "who is refused hears an alert, and no handshake is made" {
	start_wsd --max-connections 1
	raw <<-'END'
		a open
		! openssl s_client -connect "${http#https://}" </dev/null 2>&1 | grep -q 'alert internal error'
		a idle
	END
	WSD_TLS='' metric=$(curl -sf "$http/metrics")
	[[ $metric == *'wsd_refused_total{reason="connections"} 1'* ]]
	[[ $metric == *'wsd_refused_total{reason="tls"} 0'* ]]
}

@test "of descriptors each WebSocket takes three, and there are always enough" {
	ulimit -n 300
	start_wsd # (300 - 64) / 3 = 78
	{
		for ((i = 1; i <= 78; i++)); do
			echo "a$i open"
		done
		echo 'b connect'
		echo 'b end'
		echo 'a1 drop'
		echo "! until curl -sf '$http/healthz'; do again; done"
		echo 'c open'
		echo 'c idle'
		echo 'a78 idle'
	} >"$T/script"
	raw <"$T/script"
}

# --- Files ---

# starts_not TEXT OPTION...: it ends with 2 and says this.
starts_not() {
	run -2 "$BIN/wsd" --listen 127.0.0.1:0 "${@:2}"
	[[ $output == *"$1"* ]]
	run -2 "$BIN/wsd" --check-config "${@:2}"
	[[ $output == *"$1"* ]]
}

@test "files that are missing, wrong, or open to others: exit 2 says which and why" {
	both=(--tls-cert "$ec/cert" --tls-key "$ec/key")
	"$BIN/wsd" --check-config "${both[@]}"
	starts_not 'one needs the other' "${both[@]:0:2}"
	starts_not 'one needs the other' "${both[@]:2}"
	starts_not "'$T/none': No such file" --tls-cert "$T/none" --tls-key "$ec/key"
	starts_not "'$T/none': No such file" --tls-cert "$ec/cert" --tls-key "$T/none"
	cp "$ec/key" "$T/key"
	chmod 644 "$T/key"
	starts_not "'$T/key': others can read it: its mode is 0644" \
		--tls-cert "$ec/cert" --tls-key "$T/key"
	cp "$ec/cert" "$T/cert"
	chmod 646 "$T/cert"
	starts_not "'$T/cert': others can write it" \
		--tls-cert "$T/cert" --tls-key "$ec/key"
	starts_not 'it is not the key of the certificate' \
		--tls-cert "$ec/cert" --tls-key "$rsa/key"
	starts_not 'it has no PEM certificate' --tls-cert "$ec/key" --tls-key "$ec/key"
	starts_not 'it has no PEM key' --tls-cert "$ec/cert" --tls-key "$ec/cert"
	(umask 077 && openssl ec -in "$ec/key" -aes128 -passout pass:x \
		-out "$T/encrypted" 2>/dev/null)
	starts_not 'it is encrypted' --tls-cert "$ec/cert" --tls-key "$T/encrypted"
	: >"$T/empty"
	chmod 600 "$T/empty"
	starts_not 'it has no PEM certificate' --tls-cert "$T/empty" --tls-key "$ec/key"
	head -c 300 "$ec/cert" >"$T/torn"
	starts_not "'$T/torn': " --tls-cert "$T/torn" --tls-key "$ec/key"
	{
		cat "$ec/cert"
		head -c 300 "$ec/cert"
	} >"$T/torn"
	starts_not "'$T/torn': " --tls-cert "$T/torn" --tls-key "$ec/key"
	make_tls "$T/weak" -newkey rsa:1024
	starts_not 'key too small' --tls-cert "$T/weak/cert" --tls-key "$T/weak/key"
}

@test "a chain: what is behind the first certificate is sent with it" {
	make_tls "$T/ca" -newkey rsa:2048 -addext basicConstraints=critical,CA:true
	openssl req -newkey rsa:2048 -nodes -keyout "$T/key" -subj /CN=localhost \
		-out "$T/csr" 2>/dev/null
	openssl x509 -req -in "$T/csr" -CA "$T/ca/cert" -CAkey "$T/ca/key" \
		-days 30 -extfile <(echo subjectAltName=IP:127.0.0.1) \
		-out "$T/leaf" 2>/dev/null
	chmod 600 "$T/key"
	cat "$T/leaf" "$T/ca/cert" >"$T/cert"
	WSD_TLS=$T start_wsd
	curl -sf "$http/healthz"
	s_client -showcerts
	[[ $(grep -c 'BEGIN CERTIFICATE' <<<"$output") == 2 ]]
}

# lasts DAYS: a certificate that ends so many days from now.
lasts() {
	make_tls "$T/lasts" -newkey rsa:2048 -days "$1"
	WSD_TLS=$T/lasts start_wsd
	stop_wsd
}

@test "a certificate that expires within 14 days is warned of, and no other" {
	lasts 15
	[[ ! -s $wsd_log ]]
	lasts 13
	grep -q "the certificate in '$T/lasts/cert' expires on 20.*UTC" "$wsd_log"
}

# valid START END: a certificate that is, in T, from and until these times.
valid() {
	: >"$T/index"
	cat >"$T/ca.cnf" <<-END
		[ca]
		default_ca = d
		[d]
		database = $T/index
		rand_serial = yes
		new_certs_dir = $T
		default_md = sha256
		policy = p
		[p]
		commonName = supplied
	END
	(umask 077 && openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
		-keyout "$T/key" -out "$T/csr" 2>/dev/null)
	openssl ca -batch -selfsign -config "$T/ca.cnf" -keyfile "$T/key" \
		-in "$T/csr" -out "$T/cert" -notext -startdate "$1" -enddate "$2" \
		2>/dev/null
}

@test "one that has expired, or is not valid yet, is warned of, and served" {
	valid 20200101000000Z 20210102030405Z
	WSD_TLS=$T start_wsd
	grep -q "has expired on 2021-01-02 03:04 UTC" "$wsd_log"
	curl -skf "$http/healthz"
	stop_wsd
	valid 20990102030405Z 21000101000000Z
	WSD_TLS=$T start_wsd
	grep -q "is not valid before 2099-01-02 03:04 UTC" "$wsd_log"
}

# --- Reload ---

@test "SIGHUP: new connections get the new certificate, those that are there stay" {
	mkdir "$T/tls"
	cp "$ec"/* "$T/tls"
	WSD_TLS=$T/tls start_wsd
	old=$(serial)
	export rsa T
	export -f hup serial
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		! cp "$rsa"/* "$T/tls" && hup
		! curl -sf --cacert "$rsa/cert" "$http/healthz"
		a idle
		! curl -sf --cacert "$rsa/cert" -d 1 "$http/v1/tenants/t/updates"
		a recv {"type":"UPDATE","data":1}
	END
	[[ $(serial) != "$old" ]]
	grep -q 'the certificate and its key were read anew' "$wsd_log"
}

@test "what is wrong at a reload is told, and the old one stays" {
	mkdir "$T/tls"
	cp "$ec"/* "$T/tls"
	WSD_TLS=$T/tls start_wsd
	old=$(serial)
	cp "$rsa/cert" "$T/tls"
	hup
	grep -q "the certificate stays as it was: '$T/tls/key': it is not the key" \
		"$wsd_log"
	rm "$T/tls/cert"
	hup
	grep -q "the certificate stays as it was: '$T/tls/cert': No such file" \
		"$wsd_log"
	cp "$ec/cert" "$T/tls"
	chmod 644 "$T/tls/key"
	hup
	grep -q "the certificate stays as it was: '$T/tls/key': others can read" \
		"$wsd_log"
	[[ $(serial) == "$old" ]]
	curl -sf "$http/healthz"
	chmod 600 "$T/tls/key"
	hup
	[[ $(serial) == "$old" ]]
	grep -q 'read anew' "$wsd_log"
}

@test "with --config: the rest is read anew too, the paths only after a restart" {
	jq -n --arg tls "$ec" '{listen: ["127.0.0.1:0"], "tls-cert": ($tls + "/cert"),
		"tls-key": ($tls + "/key"), "max-body": "1M"}' >"$T/wsd.json"
	WSD_TLS='' start_wsd --config "$T/wsd.json"
	old=$(serial)
	jq --arg tls "$rsa" '."tls-cert" = $tls + "/cert" | ."max-body" = "32" |
		."tls-key" = $tls + "/key"' "$T/wsd.json" >"$T/new"
	cp "$T/new" "$T/wsd.json"
	hup
	grep -q 'tls-cert: .* only after a restart' "$wsd_log"
	grep -q 'max-body: 1M -> 32' "$wsd_log"
	[[ $(serial) == "$old" ]]
	hup
	[[ $(serial) == "$old" ]]
	[[ $(curl -s -o /dev/null -w '%{http_code}' --data-binary @"$T/new" \
		"$http/v1/tenants/t/updates") == 413 ]]
}

@test "certificates swapped under load: no update is lost" {
	mkdir "$T/tls"
	cp "$ec"/* "$T/tls"
	WSD_TLS=$T/tls start_wsd
	start "$BIN/wsbench" -u "$url" --insecure --subscribers 50 --publishers 4 \
		--tenants 5 --duration 4s -W 50 -J >"$T/result"
	load=$PID
	while kill -0 "$load" 2>/dev/null; do
		for pair in "$rsa" "$ec"; do
			cp "$pair"/* "$T/tls"
			hup
			curl -sf --cacert "$pair/cert" -d 1 \
				"$http/v1/tenants/other/updates" >/dev/null
		done
	done
	wait "$load"
	jq -e '.lost == 0 and .reordered == 0 and .duplicated == 0 and
		.deliveries > 10000' "$T/result"
	(($(grep -c 'read anew' "$wsd_log") > 10))
}

# --- Handshakes by the thousand ---

# storm KIND COUNT: see tests/tools/hellos.mjs; until the end of the test.
storm() {
	local fifo=$T/storm

	mkfifo "$fifo"
	exec 6<>"$fifo"
	start nice -n 19 node "$BATS_TEST_DIRNAME/tools/hellos.mjs" \
		"${http##*:}" "$1" "$2" >"$fifo" 6<&-
	read -r -t 40 _ <&6
	exec 6<&-
}

# Good clients get in, each within a second.
get_in() {
	for _ in {1..20}; do
		curl -sf -m 1 -o /dev/null "$http/healthz"
	done
}

# By RSA, which costs most.
stormy() {
	trust "$rsa/cert"
	WSD_TLS=$rsa start_wsd
	storm "$1" 2500
	get_in
	[[ $(metric 'wsd_refused_total{reason="handshakes"}') -gt 0 ]]
	[[ $(metric wsd_connections_accepted_total) -gt 2500 ]]
}

@test "2500 that say nothing keep nobody out" {
	stormy silent
}

@test "2500 that say half a ClientHello keep nobody out" {
	stormy half
}

@test "2500 that say one byte by byte keep nobody out" {
	stormy slow
}

@test "2500 that have the server sign, and go no further, keep nobody out" {
	stormy whole
}

# Hundreds are there at once, and each would take half a millisecond.
@test "who is connected is not kept waiting by handshakes" {
	build_hostile
	trust "$rsa/cert"
	WSD_TLS=$rsa start_under turns TURNS
	storm whole 2500
	"$BIN/wsbench" -u "$url" -J --rate 200/s --duration 3s --subscribers 20 \
		>"$T/result"
	jq -e '.lost == 0 and .latencyNs.p50 < 50e6' "$T/result"
	turns_take 8000
}

@test "--handshake-timeout is for TLS and the request together" {
	start_wsd --handshake-timeout 400ms
	raw <<-END
		a url ws://${http#https://}/ws
		a connect
		b connect
		c connect
		c raw "GET /healthz HTTP/1.1\r\n"
		a end
		b end
		c end
	END
	until [[ $(metric 'wsd_refused_total{reason="handshake_time"}') == 3 ]]; do again; done
}

# --- All else ---

@test "300 000 updates reach a slow reader once and in order, and nobody else waits" {
	start_wsd --max-lag 256M
	jq -nc 'range(300000) | {n: ., pad: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}' \
		>"$T/lines"
	mkfifo "$T/told"
	exec 6<>"$T/told"
	# It stops now and then, and so does the pipe.
	# shellcheck disable=SC2016 # it is for that bash
	start bash -c '"$BIN/wssub" -u "$url" -q -c 300000 --ready-fd 5 5>"$1" t |
		while read -rN 2000000 part || [[ -n $part ]]; do
			printf %s "$part"
			sleep 0.02
		done >"$2"' _ "$T/told" "$T/slow"
	slow=$PID
	start "$BIN/wssub" -u "$url" -q -c 300000 --ready-fd 5 t 5>"$T/told" \
		>"$T/quick"
	quick=$PID
	read -r -t 10 <&6
	read -r -t 10 <&6
	"$BIN/wspub" -u "$url" -q -f "$T/lines" t
	wait "$quick"
	cmp "$T/lines" "$T/quick"
	wait "$slow"
	cmp "$T/lines" "$T/slow"
	all_left
}

@test "abrupt ends, within records and between, leave nothing behind" {
	build_hostile
	start_wsd
	before=$(find "/proc/$wsd/fd" | wc -l)
	attack reset -n 40 -t 3
	attack 'junk-bytes' -n 20 -t 3
	attacks_end
	"$BIN/wsbench" -q -u "$url" --subscribers 100 --rate 1000/s --duration 500ms \
		>/dev/null
	for _ in {1..10}; do
		start "$BIN/wsbench" -q -u "$url" --subscribers 50 --publishers 5 \
			--duration 10s
		pid=$PID
		until [[ $(metric 'wsd_connections{dialect="plain"}') -ge 50 ]]; do again; done
		kill -KILL "$pid"
	done
	all_left
	[[ $(find "/proc/$wsd/fd" | wc -l) -le $before ]]
}

@test "a hello that is announced as huge gets no memory" {
	start_wsd
	local address=${http#https://}
	exec 4<>"/dev/tcp/${address%:*}/${address##*:}"
	printf '\x16\x03\x01\x40\x00\x01\x01\xff\xff' >&4
	[[ -z $(timeout 4 cat <&4) ]] # it ended, before the time for a request
	exec 4>&-
	[[ $(refused_tls) == 1 ]]
}
