#!/usr/bin/env bats
# Who may do what where wsd asks for tokens, on every path, and what becomes of
# a connection whose token ends. How a token is checked is in wstoken.bats.
# shellcheck disable=SC2154,SC2030,SC2031 # what start_wsd sets; each in its test

bats_require_minimum_version 1.5.0
load helper
load http

setup() {
	umask 077
	cd "$BATS_TEST_TMPDIR" || return
	"$BIN/wstoken" keygen key
	"$BIN/wstoken" keygen other
}

# token [OPTION...]: prints one of a minute, unless an option says else.
token() {
	"$BIN/wstoken" make --key key --for 1m "$@"
}

# answer CODE TOKEN [CURL ARGUMENT...]: what curl gets; TOKEN may be empty.
answer() {
	local want=$1 got header=()

	[[ -z $2 ]] || header=(-H "Authorization: Bearer $2")
	shift 2
	got=$(curl -s -D head -o body -w '%{http_code}' --max-time 10 \
		"${header[@]}" "$@")
	echo "$* got $got"
	cat head body
	[[ $got == "$want" ]]
}

# Variables for scripts, which have no others.
tokens() {
	export ACME OTHER ADMIN ALL FORGED
	ACME=$(token --subscribe acme --publish acme --sub alice)
	OTHER=$(token --subscribe 'other*' --publish other)
	ADMIN=$(token --admin)
	ALL=$(token --subscribe '*' --publish '*')
	FORGED=$(token --key other --subscribe '*')
}

# fill <SCRIPT: puts these variables in their places in a script.
fill() {
	local text name

	text=$(cat)
	for name in ACME OTHER ADMIN ALL FORGED SHORT; do
		text=${text//"\$$name"/${!name-}}
	done
	printf '%s\n' "$text"
}

@test "without a token nothing but the state of the server is told" {
	start_wsd --jwt-key key
	answer 200 '' "$http/healthz"
	answer 200 '' "$http/readyz"
	for path in /metrics /v1/tenants /v1/connections; do
		answer 401 '' "$http$path"
		grep -qi '^WWW-Authenticate: Bearer.$' head
		[[ $(jq -r .error.code body) == AUTH_REQUIRED ]]
	done
	answer 401 '' -d 1 "$http/v1/tenants/acme/updates"
}

@test "HTTP: each path needs its right" {
	tokens
	start_wsd --jwt-key key
	for path in /metrics /v1/tenants /v1/connections; do
		answer 200 "$ADMIN" "$http$path"
		answer 403 "$ALL" "$http$path"
		grep -qi '^WWW-Authenticate: Bearer error="insufficient_scope"' head
		answer 401 "$FORGED" "$http$path"
		grep -qi '^WWW-Authenticate: Bearer error="invalid_token"' head
	done
	answer 200 "$ACME" -d 1 "$http/v1/tenants/acme/updates"
	answer 200 "$ALL" -d 1 "$http/v1/tenants/acme/updates"
	for name in acm acme2 other; do
		answer 403 "$ACME" -d 1 "$http/v1/tenants/$name/updates"
	done
	answer 403 "$ADMIN" -d 1 "$http/v1/tenants/acme/updates"
	answer 401 "$FORGED" -d 1 "$http/v1/tenants/acme/updates"
	answer 200 "$ADMIN" "$http/v1/tenants"
	[[ $(jq -c '[.tenants[].tenantId]' body) == '["acme"]' ]]
}

@test "a handshake that shows a bad token is refused, one that shows none goes on" {
	tokens
	start_wsd --jwt-key key
	fill <<-'END' | raw
		a header Authorization: Bearer $FORGED
		a try
		a status 401
		a head WWW-Authenticate: Bearer error="invalid_token"
		b header Authorization: Bearer $ACME
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"acme"}
		b recv {"type":"SUBSCRIBED","id":1}
		b send {"type":"SUBSCRIBE","id":2,"tenantId":"other"}
		b recv {"type":"ERROR","id":2,"code":"FORBIDDEN"}
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"SUBSCRIBE","id":1,"tenantId":"acme"}
		c recv {"type":"ERROR","id":1,"code":"AUTH_REQUIRED"}
		d header Authorization: Basic YTpi
		d open wsd.v1
		d recv {"type":"WELCOME"}
	END
}

@test "the sketch's client needs one member more" {
	tokens
	start_wsd --jwt-key key
	fill <<-'END' | raw
		a open
		a send {"type":"SUBSCRIBE","tenantId":"acme","token":"$ACME"}
		a ping here
		a ponged here
		p header Authorization: Bearer $ALL
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"acme","data":{"n":1}}
		p recv {"type":"ACK","id":1,"subscribers":1}
		a exact {"n":1}
		p send {"type":"PUBLISH","id":2,"tenantId":"other","data":{"n":2}}
		p recv {"type":"ACK","id":2,"subscribers":0}
		a idle
		b open
		b send {"type":"SUBSCRIBE","tenantId":"acme"}
		b recv {"type":"ERROR","code":"AUTH_REQUIRED"}
		b closed 4010
		c open
		c send {"type":"SUBSCRIBE","tenantId":"other","token":"$ACME"}
		c recv {"type":"ERROR","code":"FORBIDDEN"}
		c closed 4003
		d open
		d send {"type":"SUBSCRIBE","tenantId":"acme","token":"$FORGED"}
		d recv {"type":"ERROR","code":"AUTH_FAILED"}
		d closed 4011
	END
}

@test "a token in the URL is taken only where that is allowed, and logged nowhere" {
	tokens
	start_wsd --jwt-key key -vv
	fill <<-'END' | raw
		a request GET /ws?access_token=$ACME
		a try
		a status 400
	END
	answer 400 '' -d 1 "$http/v1/tenants/acme/updates?access_token=$ACME"
	stop_wsd
	start_wsd --jwt-key key --allow-query-token -vv
	fill <<-'END' | raw
		a request GET /ws?access_token=$ACME
		a open
		a send {"type":"SUBSCRIBE","tenantId":"acme"}
		a ping here
		a ponged here
		b request GET /ws?access_token=$FORGED
		b try
		b status 401
		c request GET /ws?access_token=$ACME&access_token=$ACME
		c try
		c status 400
	END
	answer 200 '' -d 1 "$http/v1/tenants/acme/updates?access_token=$ACME"
	answer 400 "$ACME" -d 1 "$http/v1/tenants/acme/updates?access_token=$ACME"
	answer 404 '' "$http/nowhere?access_token=$ACME"
	for t in "$ACME" "$FORGED"; do
		for part in ${t//./ }; do
			run ! grep -qF "${part:0:20}" "$wsd_log"
		done
	done
	grep -q 'refused a token' "$wsd_log"
}

@test "who shows no token in time is closed with 4010, who does is not" {
	tokens
	start_wsd --jwt-key key --auth-timeout 300ms --ping 200ms
	fill <<-'END' | raw
		a open
		b open wsd.v1
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"AUTH","id":1,"token":"$ACME"}
		c recv {"type":"AUTHENTICATED","id":1}
		a closed 4010
		b finally 4010
		c pinged 4
	END
}

@test "a token's end is told of, and closes with 4212" {
	export SHORT
	start_wsd --jwt-key key
	SHORT=$(token --subscribe acme --for 3s)
	fill <<-'END' | raw
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"acme","token":"$SHORT"}
		a recv {"type":"SUBSCRIBED","id":1}
		b open
		b send {"type":"SUBSCRIBE","tenantId":"acme","token":"$SHORT"}
		a recv {"type":"EXPIRING"}
		a finally 4212
		b closed 4212
	END
}

@test "a token's end counts, also when wsd did not run as it came" {
	tokens
	export SHORT BIN
	start_wsd --jwt-key key
	SHORT=$(token --subscribe acme --publish acme --for 4s)
	start curl -sN --max-time 30 -H "Authorization: Bearer $SHORT" \
		-H 'Accept: text/event-stream' \
		"$http/v1/tenants/acme/updates?since=all" >events
	fill <<-'END' | raw
		b header Authorization: Bearer $ACME
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"PUBLISH","id":1,"tenantId":"acme","data":1}
		b recv {"type":"ACK","id":1}
		! until grep -q '^data: 1' events; do again; done
		a header Authorization: Bearer $SHORT
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"acme"}
		a recv {"type":"SUBSCRIBED","id":1}
		a recv {"type":"EXPIRING"}
		! kill -STOP "$wsd"
		! while "$BIN/wstoken" check --jwt-key key <<<"$SHORT"; do again; done
		b send {"type":"PUBLISH","id":2,"tenantId":"acme","data":2}
		a send {"type":"PUBLISH","id":2,"tenantId":"acme","data":2}
		! kill -CONT "$wsd"
		a closed 4212
		b recv {"type":"ACK","id":2}
	END
	wait "$PID"
	cat events
	grep -q '"code":4212' events
	[[ $(grep -c '^data: [0-9]' events) == 1 ]]
}

@test "a token can be replaced before its end, in place" {
	tokens
	export SHORT
	start_wsd --jwt-key key
	SHORT=$(token --subscribe acme --for 3s)
	fill <<-'END' | raw
		a header Authorization: Bearer $SHORT
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"acme"}
		a recv {"type":"SUBSCRIBED","id":1}
		b header Authorization: Bearer $SHORT
		b open wsd.v1
		b recv {"type":"WELCOME"}
		a recv {"type":"EXPIRING"}
		a send {"type":"AUTH","id":2,"token":"$ACME"}
		a recv {"type":"AUTHENTICATED","id":2}
		b finally 4212
		a idle
		a send {"type":"PUBLISH","id":3,"tenantId":"acme","data":3}
		a recv {"type":"ACK","id":3}
		a recv {"type":"UPDATE","data":3}
	END
}

@test "too many bad tokens of an address: none is looked at for a while" {
	tokens
	start_wsd --jwt-key key --auth-failures 3
	fill <<-'END' | raw
		a header Authorization: Bearer $ACME
		a open wsd.v1
		a recv {"type":"WELCOME"}
	END
	for _ in 1 2 3; do
		answer 401 "$FORGED" "$http/metrics"
	done
	answer 429 "$FORGED" "$http/metrics"
	answer 429 "$ADMIN" "$http/metrics"
	grep -qiE '^Retry-After: [1-6]?[0-9].$' head
	answer 401 '' "$http/metrics"
	answer 200 '' "$http/healthz"
	fill <<-'END' | raw
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"AUTH","id":1,"token":"$ACME"}
		a recv {"type":"ERROR","id":1,"code":"RATE_LIMITED"}
		a closed 4101
		b header Authorization: Bearer $ACME
		b try
		b status 429
	END
	grep -q 'as --auth-failures allows' "$wsd_log"
}

@test "loopback has no limit of failures unless it is given" {
	tokens
	start_wsd --jwt-key key
	for _ in {1..40}; do
		answer 401 "$FORGED" "$http/metrics"
	done
	answer 200 "$ADMIN" "$http/metrics"
}

@test "every bad token gets the same answer; the log says why" {
	tokens
	start_wsd --jwt-key key --jwt-aud updates
	token --aud updates --admin >good
	answer 200 "$(<good)" "$http/metrics"
	for t in "$FORGED" "$ACME" x x.y.z "$(token --aud updates --for 1s)x"; do
		answer 401 "$t" "$http/metrics"
		grep -vi '^Date:' head | cat - body >>answers
	done
	(($(grep -c AUTH_FAILED answers) == 5))
	size=$(($(wc -l <answers) / 5))
	for i in 1 2 3 4; do
		cmp <(head -n "$size" answers) \
			<(tail -n +$((i * size + 1)) answers | head -n "$size")
	done
	grep 'refused a token' "$wsd_log"
	(($(grep 'refused a token' "$wsd_log" | sort -u | wc -l) >= 4))
}

@test "keys are replaced without a break, and what is wrong keeps the old ones" {
	tokens
	start_wsd --jwt-key key -v
	{
		printf 'a header Authorization: Bearer %s\n' "$ACME"
		cat <<-'END'
			a open wsd.v1
			a recv {"type":"WELCOME"}
			a send {"type":"SUBSCRIBE","id":1,"tenantId":"acme"}
			a recv {"type":"SUBSCRIBED","id":1}
			! cp key key.old && cp other key && kill -HUP "$wsd"
			! timeout 10 tail -n +1 -f "$wsd_log" | grep -qm1 'read anew'
			b header Authorization: Bearer $ACME
			b try
			b status 401
			c header Authorization: Bearer $FORGED
			c open
			a send {"type":"SUBSCRIBE","id":2,"tenantId":"acme"}
			a recv {"type":"SUBSCRIBED","id":2}
			! echo short >key && kill -HUP "$wsd"
			! timeout 10 tail -n +1 -f "$wsd_log" | grep -qm1 'stays as it was'
			d header Authorization: Bearer $FORGED
			d open
		END
	} | fill | raw
}

@test "a static token that is taken back ends its connections" {
	"$BIN/wstoken" keygen a && "$BIN/wstoken" keygen b
	# shellcheck disable=SC2094 # nothing reads what it writes
	"$BIN/wstoken" hash --name a --subscribe t --publish t <a >list
	# shellcheck disable=SC2094
	"$BIN/wstoken" hash --name b --subscribe t <b >>list
	start_wsd --tokens list
	{
		printf '%s header Authorization: Bearer %s\n' \
			a "$(<a)" b "$(<b)" c "$(<a)"
		cat <<-'END'
			a open wsd.v1
			a recv {"type":"WELCOME"}
			a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
			a recv {"type":"SUBSCRIBED","id":1}
			b open wsd.v1
			b recv {"type":"WELCOME"}
			b send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
			b recv {"type":"SUBSCRIBED","id":1}
			! sed -i 1d list && kill -HUP "$wsd"
			a closed 4011 the token was taken back
			c try
			c status 401
			b idle
		END
	} | raw
}

@test "access control is turned on and off by a restart alone" {
	jq -n '{"jwt-key": "key"}' >config
	start_wsd --config config --listen 127.0.0.1:0
	echo '{}' >config
	kill -HUP "$wsd"
	timeout 10 tail -n +1 -f "$wsd_log" | grep -qm1 'can be turned off only'
	answer 401 '' "$http/metrics"
}

@test "where there are secrets no core is dumped" {
	[[ -z ${WSD_TLS-} ]] || skip 'a key is one'
	start_wsd --jwt-key key
	[[ $(awk '/^Max core file size/ {print $5, $6}' "/proc/$wsd/limits") == '0 0' ]]
	[[ $(ulimit -Hc) == 0 ]] || {
		stop_wsd
		start_wsd
		[[ $(awk '/^Max core file size/ {print $6}' "/proc/$wsd/limits") != 0 ]]
	}
}

@test "what does not fit together is refused at the start" {
	for options in '--jwt-key key --no-access-control' '--jwt-aud x' \
		'--tenant-claim x' '--allow-query-token' '--jwt-key nowhere'; do
		# shellcheck disable=SC2086 # several words
		run -2 "$BIN/wsd" --listen 127.0.0.1:0 $options
	done
	run -2 "$BIN/wsd" --listen 0.0.0.0:0
	run -0 "$BIN/wsd" --listen 0.0.0.0:0 --jwt-key key --check-config
}

@test "peers without a token cannot fill it" {
	tokens
	start_wsd --jwt-key key --max-connections 40 --max-half-open 10
	{
		fill <<-'END'
			a header Authorization: Bearer $ACME
			a open wsd.v1
			a recv {"type":"WELCOME"}
			b open wsd.v1
			b recv {"type":"WELCOME"}
			b send {"type":"AUTH","id":1,"token":"$ACME"}
			b recv {"type":"AUTHENTICATED","id":1}
			first open
		END
		for i in {1..50}; do
			echo "unknown$i open"
		done
		fill <<-'END'
			first end
			! curl -sf --max-time 1 -d 1 -H "Authorization: Bearer $ACME" "$http/v1/tenants/acme/updates"
			a idle
			b idle
		END
	} | raw
	answer 200 "$ADMIN" "$http/metrics"
	grep -q 'wsd_refused_total{reason="handshakes"} 4[0-9]' body
}

@test "a peer that has shown no token may not send much" {
	tokens
	start_wsd --jwt-key key
	fill <<-'END' | raw
		a open
		a announce 40000 x
		a closed 1009
		b header Authorization: Bearer $ACME
		b open
		b send {"type":"PUBLISH","id":1,"tenantId":"acme","data":"%40000x%"}
		b recv {"type":"ACK","id":1}
	END
}
