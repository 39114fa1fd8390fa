#!/usr/bin/env bats
# wss URLs: whom wssub, wspub and redis2ws take for their server, what they say
# of others, and that a connection by TLS is one like any other.
# shellcheck disable=SC2154,SC2153 # what start_wsd, listening and run set
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

bats_require_minimum_version 1.5.0

load helper
load redis
load bridge

setup() {
	PATH=$BIN:$BATS_TEST_DIRNAME/tools:$PATH
	T=$BATS_TEST_TMPDIR
	export REDIS_URL=unix:$redis_socket
	cd "$T" || return
	authority ca
	certificate good DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1
}

# authority NAME: NAME.pem, which others are signed by.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.pem" -days 2 -subj "/CN=$1" 2>/dev/null
	: >"$1.index"
	cat >"$1.cnf" <<-END
		[ca]
		default_ca = d
		[d]
		database = $1.index
		rand_serial = yes
		new_certs_dir = .
		default_md = sha256
		policy = p
		copy_extensions = copy
		unique_subject = no
		certificate = $1.pem
		private_key = $1.key
		default_days = 1
		[p]
		commonName = supplied
	END
}

# certificate NAME ALTNAMES [OPTION OF CA...]: NAME, with its key; of the
# authority $by.
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1.key" -out "$1.csr" -subj "/CN=${name:-localhost}" \
		${2:+-addext "subjectAltName=$2"} 2>/dev/null
	openssl ca -batch -config "${by:-ca}.cnf" -in "$1.csr" -out "$1.crt" \
		-notext "${@:3}" 2>/dev/null
	cat "$1.crt" "$1.key" >"$1"
}

v1='{"accept":"wsd.v1"},{"send":"{\"type\":\"WELCOME\"}"}'

# fake CERTIFICATES STEPS...: a fakeserver that has them, with the options in $with
# and the steps of each connection. Sets WSD_URL.
fake() {
	: >log
	# shellcheck disable=SC2086 # words
	listening fakeserver --tls "$1" --log log ${with-} \
		"$(IFS=,; set -- "${@:2}"; echo "[${*/#/[}]")"
	export WSD_URL=wss://localhost:$PORT/ws
}

# says TEXT COMMAND...: it cannot connect, and says this.
says() {
	run -3 timeout 30 "${@:2}"
	[[ ${lines[0]} == "$2: cannot connect to '$WSD_URL': $1" ]]
}

@test "a host name, an IPv4 and an IPv6 address; only a name is asked for" {
	fake good '{"accept":""},{"send":"1"},{"close":1000}]'
	for host in localhost LOCALHOST 127.0.0.1; do
		WSD_URL=wss://$host:$PORT/ws run -0 wssub -q --cacert ca.pem \
			-c 1 t
	done
	[[ $(grep -c ' name localhost$' log) == 1 ]]
	[[ $(grep -c ' name LOCALHOST$' log) == 1 ]]
	[[ $(grep -c ' name -$' log) == 1 ]]
	with='--host ::1' fake good '{"accept":""},{"send":"1"}]'
	WSD_URL="wss://[::1]:$PORT/ws" run -0 wssub -q --cacert ca.pem -c 1 t
	grep -q ' name -$' log
}

@test "a certificate of somebody else" {
	certificate other DNS:a.example,DNS:b.example
	fake other '{"accept":""}]'
	says "the certificate is not for 'localhost'; it is for 'a.example', 'b.example'" \
		wssub --cacert ca.pem t
	says "the certificate is not for 'localhost'; it is for 'a.example', 'b.example'" \
		wspub --cacert ca.pem t 1
	says "the certificate is not for 'localhost'; it is for 'a.example', 'b.example'" \
		redis2ws --cacert ca.pem --channel c
	WSD_URL=wss://127.0.0.1:$PORT/ws
	says "the certificate is not for '127.0.0.1'; it is for 'a.example', 'b.example'" \
		wssub --cacert ca.pem t
	run -1 grep GET log
}

@test "names that nearly are the name" {
	while read -r names; do
		certificate near "$names"
		fake near '{"accept":""}]'
		run -3 wssub --cacert ca.pem t
		[[ $output == *"the certificate is not for 'localhost'"* ]]
		run -1 grep GET log
	done <<-'END'
		DNS:localhost.example.com
		DNS:local*
		DNS:*
		DNS:127.0.0.1
		IP:127.0.0.1
	END
	# The name of the subject is none (RFC 9525 section 2).
	certificate near ''
	fake near '{"accept":""}]'
	says "the certificate is not for 'localhost'" wssub --cacert ca.pem t
	# An address is no name.
	certificate near DNS:127.0.0.1
	fake near '{"accept":""}]'
	WSD_URL=wss://127.0.0.1:$PORT/ws
	says "the certificate is not for '127.0.0.1'; it is for '127.0.0.1'" \
		wssub --cacert ca.pem t
}

@test "one that has expired, or is not valid yet" {
	certificate old DNS:localhost -startdate 20200101000000Z \
		-enddate 20210101123000Z
	fake old '{"accept":""}]'
	says 'the certificate has expired, on 2021-01-01 12:30 UTC' \
		wssub --cacert ca.pem t
	certificate young DNS:localhost -startdate 20900101000000Z \
		-enddate 20910101000000Z
	fake young '{"accept":""}]'
	says 'the certificate is valid from 2090-01-01 00:00 UTC on only (or the clock of this machine is wrong)' \
		wssub --cacert ca.pem t
}

@test "authorities: another one, none that is known, itself, --cacert" {
	fake good '{"accept":""},{"send":"1"}]'
	unknown='the certificate is not signed by an authority that is known (--cacert)'
	says "$unknown" wssub t
	authority ca2
	says "$unknown" wssub --cacert ca2.pem t
	cat ca2.pem ca.pem >both.pem
	run -0 wssub -q --cacert both.pem -c 1 t
	# What is in the file is trusted as it is.
	run -0 wssub -q --cacert good.crt -c 1 t
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout self.key -out self.crt -days 2 -subj /CN=self \
		-addext subjectAltName=DNS:localhost 2>/dev/null
	cat self.crt self.key >self
	fake self '{"accept":""},{"send":"1"}]'
	says "$unknown" wssub --cacert ca.pem t
	run -0 wssub -q --cacert self.crt -c 1 t
	# Those of the system, where that is told to have others.
	SSL_CERT_FILE=self.crt run -0 wssub -q -c 1 t
}

@test "--insecure takes any, and says so" {
	by=none
	authority none
	name=x certificate other DNS:a.example -startdate 20200101000000Z \
		-enddate 20210101123000Z
	fake other '{"accept":""},{"send":"1"}]'
	run -0 wssub --insecure -c 1 t
	[[ ${lines[0]} == "wssub: --insecure: anybody can pretend to be '$WSD_URL', and read all that is sent" ]]
	[[ ${lines[-1]} == 1 ]]
	run -0 wssub -q --insecure -c 1 t
	[[ $output == 1 ]]
	echo '{"insecure":true}' >config
	run -0 wssub -q --config config -c 1 t
	run -2 wssub --insecure --cacert ca.pem t
	[[ ${lines[0]} == 'wssub: --cacert: not with --insecure, which checks none' ]]
	WSD_URL=ws://127.0.0.1:1/ws run -3 wssub --insecure t
	[[ $output != *pretend* ]]
}

@test "--cacert: what is no such file" {
	export WSD_URL=wss://localhost:1/ws
	for tool in 'wssub t' 'wspub t 1' 'redis2ws --channel c'; do
		# shellcheck disable=SC2086 # two words
		run -2 ${tool/ / --cacert none }
		[[ ${lines[0]} == "${tool%% *}: --cacert: 'none': No such file or directory" ]]
	done
	run -2 wssub --cacert good.key t
	[[ ${lines[0]} == "wssub: --cacert: 'good.key': it has no certificate in PEM form" ]]
	run -2 wssub --cacert . t
}

@test "what speaks no TLS, or one that is too old" {
	start_wsd
	export WSD_URL=wss://${url#ws://}
	says 'the server does not speak TLS (then it is ws://)' wssub t
	listening fakeserver --bytes '[[{"raw":"-ERR unknown command\r\n"}]]'
	WSD_URL=wss://localhost:$PORT/ws
	says 'the server does not speak TLS (then it is ws://)' wssub t
	listening fakeserver '[[{"drop":true}]]'
	WSD_URL=wss://localhost:$PORT/ws
	says 'the server ended the TLS handshake: perhaps it does not speak TLS (then it is ws://)' \
		wssub t
	with='--tls-max TLSv1.1' fake good '{"accept":""}]'
	says 'the server does not speak TLS 1.2 or later' wssub --cacert ca.pem t
	with='--tls-max TLSv1.2' fake good '{"accept":""},{"send":"1"}]'
	run -0 wssub -q --cacert ca.pem -c 1 t
	for version in 2 3; do
		mkfifo server
		exec 6<>server
		start openssl s_server -accept 127.0.0.1:0 -cert good.crt \
			-key good -Verify 1 -www "-tls1_$version" >server 2>/dev/null
		until [[ ${port-} == ACCEPT* ]]; do read -r -t 20 port <&6; done
		exec 6<&-
		rm server
		WSD_URL=wss://localhost:${port##*:}/ws
		port=
		run -3 wssub --cacert ca.pem t
		echo "$output"
		[[ $output == *'the server refuses the TLS connection: handshake failure' ||
			$output == *'the server wants a certificate of the client, and there is none to show' ]]
	done
}

@test "the port is 443 where there is none" {
	WSD_URL=wss://127.0.0.2/ws run -3 wssub -W 5 t
	[[ $output == *"cannot connect to 'wss://127.0.0.2/ws': connection refused" ]]
}

@test "a certificate that is no good later is tried again" {
	certificate other DNS:a.example
	fake good,other,good "$v1,{\"end\":true}]" "$v1]"
	mkfifo err
	exec 9<>err
	start wssub -v --cacert ca.pem t 2>err
	said '*connected to*'
	said '*it ended without a close frame; trying again in*'
	said "*the certificate is not for 'localhost'; it is for 'a.example'; trying again in*"
	said '*connected to*'
}

@test "the token goes by TLS, and nobody is warned" {
	fake good '{"accept":""},{"send":"1"}]'
	WSD_TOKEN=t0ken run -0 wssub --cacert ca.pem -c 1 t
	[[ $output != *'clear text'* ]]
	grep -q 'Authorization: Bearer t0ken' log
}

# by_tls [OPTION...]: a wsd that speaks TLS. Sets WSD_URL.
by_tls() {
	chmod 600 good
	start_wsd --tls-cert good --tls-key good "$@"
	export WSD_URL=$url
}

@test "all arrives by the TLS of wsd, in both directions" {
	by_tls --history-count 200000 --history-size 200M --max-lag 500M
	seq 100000 | sed 's/.*/{"n":&,"fill":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}/' >in
	wspub -q --cacert ca.pem t -f in
	timeout 50 wssub -q --cacert ca.pem --since all -c 100000 t | cmp - in
	head -c 900000 /dev/zero | tr '\0' 7 | sed 's/.*/"&"\n/' >large
	cat large large large large large large >in
	wspub -q --cacert ca.pem u -f in
	timeout 50 wssub -q --cacert ca.pem --since all -c 6 u | cmp - in
}

@test "a slow reader by TLS gets all" {
	by_tls --history-count 200000 --history-size 200M --max-lag 500M
	seq 200000 >in
	wspub -q --cacert ca.pem t -f in
	mkfifo pipe
	exec 7<>pipe
	start timeout 50 wssub -q --cacert ca.pem --since all -c 200000 t >pipe
	read -r first <&7
	{
		echo "$first"
		head -n 199999 <&7
	} >out
	cmp in out
}

@test "redis2ws by TLS" {
	by_tls
	start_redis
	bridge --cacert ca.pem --channel c -c 1
	cli publish c '{"tenantId":"t","n":1}'
	bridge_ends 0
	[[ $(wssub --cacert ca.pem --since all -c 1 t) == '{"n":1}' ]]
}

@test "the whole way: a wsd that speaks TLS, and a token" {
	umask 077
	wstoken keygen key
	openssl pkey -in good -out good.pem
	start_wsd --tls-cert good.crt --tls-key good.pem --jwt-key key \
		--history-count 100000 --history-size 100M --max-lag 100M
	export WSD_URL=$url
	[[ $url == wss://127.0.0.1:* ]]
	wstoken make --key key --publish t --subscribe t --for 10m >token
	seq 100000 >in
	wspub --cacert ca.pem --token-file token t -f in
	timeout 50 wssub --cacert ca.pem --token-file token --since all \
		-c 100000 t | cmp - in
	run -4 wssub --cacert ca.pem t
	[[ $output == *AUTH_REQUIRED* ]]
	run -3 wssub --token-file token t
	[[ $output == *'not signed by an authority that is known (--cacert)' ]]
	start_redis
	WSD_TOKEN=$(<token) bridge --cacert ca.pem --channel c -c 1
	cli publish c '{"tenantId":"t"}'
	bridge_ends 0
}
