#!/usr/bin/env bats
# SUBSCRIBE to "*": the updates of all tenants, and who may not notice it.
# shellcheck disable=SC2154 # what start_wsd and listening set
# shellcheck disable=SC2030,SC2031 # said: each test has its own

load helper
load http
load hostile

bats_require_minimum_version 1.5.0

setup() {
	PATH=$BIN:$BATS_TEST_DIRNAME/tools:$PATH
	T=$BATS_TEST_TMPDIR
	export T
}

# watch [OPTION...]: a `wssub '*'` in the background; its output goes to $T/out
# and $T/err.
watch() {
	mkfifo "$T/watching"
	exec 5<>"$T/watching"
	start wssub --ready-fd 5 "$@" '*' >"$T/out" 2>"$T/err"
	read -r _ <&5
	exec 5<&-
}

# ends STATUS: the wssub of watch() does.
ends() {
	local status=0

	wait "$PID" || status=$?
	cat "$T/err"
	((status == $1))
}

# fake STEPS [STEPS...]: a fakeserver, with the steps of each connection.
fake() {
	local IFS=,

	listening fakeserver --log "$T/log" "[${*/#/[}]"
	export WSD_URL=ws://127.0.0.1:$PORT/ws
}

# sent JSON...: steps of a connection, up to what it answers to SUBSCRIBE, and
# what comes then.
sent() {
	jq -nc '[{accept: "wsd.v1"}, {send: "{\"type\":\"WELCOME\",\"server\":\"fake\"}"},
		{wait: "SUBSCRIBE"}, ({send: $ARGS.positional[]})] | .[]' \
		--args "$@" | paste -sd ,
}

# subscribed_to_all EPOCH NEXT
subscribed_to_all() {
	echo "{\"type\":\"SUBSCRIBED\",\"id\":1,\"tenantId\":\"*\",\"epoch\":\"$1\",\"next\":$2,\"replayed\":0,\"recovered\":true}"
}

# update TENANT SEQ
update() {
	echo "{\"type\":\"UPDATE\",\"tenantId\":\"$1\",\"epoch\":\"e\",\"seq\":$2,\"data\":$2}"
}

# --- wsd

@test "what is published anywhere comes once, in order, as to its tenant's own" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		a recv {"type":"SUBSCRIBED","id":1,"tenantId":"*","next":1,"replayed":0,"recovered":true}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"u"}
		b recv {"type":"SUBSCRIBED","id":1,"tenantId":"u"}
		! curl -sf -d '{"n": 1.10}' "$http/v1/tenants/t/updates"
		! printf '1\n2\n' | curl -sf -H 'Content-Type: application/x-ndjson' --data-binary @- "$http/v1/tenants/u/updates"
		p open
		p send {"type":"PUBLISH","tenantId":"t","data":[1,%nl%2]}
		p send {"type":"GAP","tenantId":"t"}
		p send {"type":"PUBLISH","tenantId":7,"data":true}
		p send {"type":"PUBLISH","tenantId":"u","data":3}
		p idle
		a recv {"type":"UPDATE","tenantId":"t","seq":1,"data":{"n":1.1}}
		a recv {"type":"UPDATE","tenantId":"u","seq":1,"data":1}
		a recv {"type":"UPDATE","tenantId":"u","seq":2,"data":2}
		a recv {"type":"UPDATE","tenantId":"t","seq":2,"data":[1,2]}
		a recv {"type":"GAP","tenantId":"t","seq":3,"reason":"source"}
		a recv {"type":"UPDATE","tenantId":"7","seq":1,"data":true}
		a recv {"type":"UPDATE","tenantId":"u","seq":3,"data":3}
		b recv {"type":"UPDATE","tenantId":"u","seq":1,"data":1}
		b recv {"type":"UPDATE","tenantId":"u","seq":2,"data":2}
		b recv {"type":"UPDATE","tenantId":"u","seq":3,"data":3}
		b send {"type":"SUBSCRIBE","id":2,"tenantId":"*"}
		b recv {"type":"SUBSCRIBED","id":2,"tenantId":"*","next":8}
		a send {"type":"UNSUBSCRIBE","id":3,"tenantId":"*"}
		a recv {"type":"UNSUBSCRIBED","id":3,"tenantId":"*"}
		p send {"type":"PUBLISH","tenantId":"u","data":4}
		b recv {"type":"UPDATE","tenantId":"u","seq":4,"data":4}
		b recv {"type":"UPDATE","tenantId":"u","seq":4,"data":4}
		b idle
		a idle
	END
}

@test "what is refused: a past, the plain dialect, to publish" {
	start_wsd
	raw <<-'END'
		a open wsd.v1.bulk
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"*","since":"all"}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		a send {"type":"SUBSCRIBE","id":2,"tenantId":"*","since":{"epoch":"x.0","seq":1}}
		a recv {"type":"ERROR","id":2,"code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":3,"tenantId":"*","data":1}
		a recv {"type":"ERROR","id":3,"code":"BAD_TENANT"}
		a send {"type":"GAP","id":4,"tenantId":"*"}
		a recv {"type":"ERROR","id":4,"code":"BAD_TENANT"}
		a send {"type":"UNSUBSCRIBE","id":5,"tenantId":"*"}
		a recv {"type":"UNSUBSCRIBED","id":5,"tenantId":"*"}
		a idle
		b open
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		b recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		b closed 4001 need wsd.v1
	END
	refused 400 BAD_TENANT -d 1 "$http/v1/tenants/*/updates"
}

@test "it is no tenant: not listed, not counted, and none has to go for it" {
	start_wsd --max-tenants 1
	wspub -u "$url" t 1
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		a recv {"type":"SUBSCRIBED","id":1}
		! curl -sf "$http/v1/tenants" >"$T/tenants"
		! curl -sf "$http/v1/connections" >"$T/connections"
		! curl -sf "$http/metrics" >"$T/metrics"
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":2}
		p recv {"type":"ACK","id":1,"seq":2,"subscribers":0}
		a recv {"type":"UPDATE","seq":2}
	END
	jq -e '[.tenants[].tenantId] == ["t"]' "$T/tenants"
	jq -e '.connections[0].subscriptions == [{tenantId: "*", lag: 0, lagBytes: 0}]' \
		"$T/connections"
	grep -qx 'wsd_tenants 1' "$T/metrics"
	grep -qx 'wsd_tenants_watched 0' "$T/metrics"
	grep -qx 'wsd_subscriptions 1' "$T/metrics"
}

# Publishes 3000 updates to each of three tenants.
flood() {
	local tenant

	numbered 3000 >"$T/lines"
	for tenant in t u v; do
		curl -sf -H 'Content-Type: application/x-ndjson' \
			--data-binary "@$T/lines" "$http/v1/tenants/$tenant/updates"
	done
}

@test "who is too slow is closed with 4108; the ledger adds up" {
	export -f flood numbered metric ledger_adds_up
	start_wsd --sndbuf 4096 --max-lag 500k
	raw <<-'END'
		slow open wsd.v1
		slow recv {"type":"WELCOME"}
		slow send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		slow recv {"type":"SUBSCRIBED"}
		left open wsd.v1
		left recv {"type":"WELCOME"}
		left send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		left send {"type":"SUBSCRIBE","id":1,"tenantId":"u"}
		left recv {"type":"SUBSCRIBED"}
		left recv {"type":"SUBSCRIBED"}
		good open wsd.v1
		good recv {"type":"WELCOME"}
		good send {"type":"SUBSCRIBE","id":1,"tenantId":"w"}
		good recv {"type":"SUBSCRIBED"}
		slow pause
		left pause
		! flood
		! ledger_adds_up
		left drop
		! until (($(metric wsd_subscriptions) == 1)); do ledger_adds_up; again; done
		! ledger_adds_up; ((pending == 0))
		! (($(metric 'wsd_deliveries_dropped_total{reason="slow"}') > 0))
		! [[ $(metric 'wsd_memory_bytes{kind="segments"}') -lt 4000000 ]]
		! curl -sf -d 1 "$http/v1/tenants/w/updates"
		good recv {"type":"UPDATE","tenantId":"w","seq":1}
		good idle
		slow resume
		slow finally 4108
	END
}

@test "--slow skip: a GAP with the numbers of all, and it goes on" {
	export -f flood numbered
	start_wsd --sndbuf 4096 --max-lag 200k --slow skip
	raw <<-'END' >"$T/said"
		slow open wsd.v1
		slow recv {"type":"WELCOME"}
		slow send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		slow recv {"type":"SUBSCRIBED","next":1}
		slow pause
		! flood
		slow resume
		slow until {"type":"GAP","tenantId":"*","reason":"slow"}
		! curl -sf -d '"last"' "$http/v1/tenants/t/updates"
		slow until {"type":"UPDATE","tenantId":"t","data":"last"}
		slow send {"type":"SUBSCRIBE","id":2,"tenantId":"*"}
		slow recv {"type":"SUBSCRIBED","id":2,"tenantId":"*","next":9002}
	END
}

@test "many publishers and tenants: who reads all misses nothing" {
	local i

	start_wsd
	export WSD_URL=$url
	watch --strict --no-reconnect -c 80000
	for i in 1 2 3 4; do
		awk -v p="$i" 'BEGIN {
			for (n = 1; n <= 20000; n++)
				printf "{\"tenantId\":\"t%d-%d\",\"n\":%d}\n", p, n % 50, n
		}' | start wspub -q --tenant-field tenantId
	done
	PID=${started[0]} ends 0
	jq -rn '[inputs] | group_by(.tenantId) | map(map(.seq)) |
		length, all(.[]; . == [range(1; length + 1)])' "$T/out" >"$T/sums"
	[[ $(<"$T/sums") == $'200\ntrue' ]]
	ledger_adds_up
}

@test "the server drains: what was published comes before the end" {
	start_wsd
	export WSD_URL=$url
	watch --no-reconnect
	numbered 2000 | wspub t
	numbered 2000 | wspub u
	stop_wsd
	ends 3
	[[ $(wc -l <"$T/out") == 4000 ]]
	[[ $(<"$T/err") == *'closed with 4200'* ]]
}

@test "with access control it needs the right for all tenants, and loses it" {
	(umask 077; wstoken keygen "$T/key")
	wide=$(wstoken make --key "$T/key" --for 1m --subscribe '*' --publish t)
	narrow=$(wstoken make --key "$T/key" --for 1m --subscribe 't*')
	admin=$(wstoken make --key "$T/key" --for 1m --admin --publish '*')
	start_wsd --jwt-key "$T/key"
	raw <<-END
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		a recv {"type":"ERROR","id":1,"code":"AUTH_REQUIRED"}
		a send {"type":"SUBSCRIBE","id":2,"tenantId":"*","token":"$narrow"}
		a recv {"type":"ERROR","id":2,"code":"FORBIDDEN"}
		a send {"type":"AUTH","id":3,"token":"$admin"}
		a recv {"type":"AUTHENTICATED","id":3}
		a send {"type":"SUBSCRIBE","id":4,"tenantId":"*"}
		a recv {"type":"ERROR","id":4,"code":"FORBIDDEN"}
		a send {"type":"SUBSCRIBE","id":5,"tenantId":"*","token":"$wide"}
		a recv {"type":"SUBSCRIBED","id":5,"tenantId":"*"}
		p header Authorization: Bearer $wide
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":7}
		p recv {"type":"ACK","id":1}
		a recv {"type":"UPDATE","tenantId":"t","seq":1,"data":7}
		a idle
		a send {"type":"AUTH","id":6,"token":"$narrow"}
		a closed 4003
		b header Authorization: Bearer $narrow
		b open
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		b recv {"type":"ERROR","id":1,"code":"FORBIDDEN"}
		b closed 4003
		c header Authorization: Bearer $wide
		c open
		c send {"type":"SUBSCRIBE","id":1,"tenantId":"*"}
		c recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		c closed 4001
	END
	export WSD_URL=$url
	WSD_TOKEN=$narrow run -4 wssub '*'
	[[ $output == *"cannot subscribe to '*': the server says FORBIDDEN: "* ]]
	WSD_TOKEN=$wide watch -c 1
	WSD_TOKEN=$wide wspub t 8
	ends 0
	[[ $(jq .data "$T/out") == 8 ]]
}

# --- wssub

@test "wssub '*' writes envelopes" {
	start_wsd
	export WSD_URL=$url
	watch -c 4
	wspub t 1 '{"a":[1.0]}'
	wspub u '"x"'
	raw <<-'END'
		p open
		p send {"type":"GAP","tenantId":"t"}
		p send {"type":"PUBLISH","tenantId":"v","data":4}
		p idle
	END
	ends 0
	run -0 jq -r '[.type, .tenantId, .seq] | @csv' "$T/out"
	[[ $output == '"UPDATE","t",1
"UPDATE","t",2
"UPDATE","u",1
"GAP","t",3
"UPDATE","v",1' ]]
	grep -qF '"data":{"a":[1.0]}}' "$T/out"
	[[ $(<"$T/err") == "wssub: gap in 't': nobody knows how many updates are lost (source)" ]]
}

@test "wssub '*': what came between two connections is a gap" {
	fake "$(sent "$(subscribed_to_all a 5)" "$(update t 1)" "$(update u 7)"),{\"end\":true}]" \
		"$(sent "$(subscribed_to_all a 7)" "$(update u 8)"),{\"end\":true}]" \
		"$(sent "$(subscribed_to_all a 11)" "$(update u 11)"),{\"end\":true}]" \
		"$(sent "$(subscribed_to_all b 1)" "$(update u 1)")]"
	run -0 --separate-stderr wssub -c 5 '*'
	grep -v trying <<<"$stderr" >"$T/err"
	diff - "$T/err" <<-'END'
		wssub: gap in '*': updates 8 to 10 are lost (history)
		wssub: gap in '*': nobody knows how many updates are lost (restart)
	END
	diff - <(jq -c '[.type, .tenantId, .seq // .from, .to, .reason]' <<<"$output") <<-'END'
		["UPDATE","t",1,null,null]
		["UPDATE","u",7,null,null]
		["UPDATE","u",8,null,null]
		["GAP","*",8,10,"history"]
		["UPDATE","u",11,null,null]
		["GAP","*",null,null,"restart"]
		["UPDATE","u",1,null,null]
	END
	run ! grep -q '"since"' "$T/log"
}

@test "wssub --strict '*': after a reconnect exit 7" {
	fake "$(sent "$(subscribed_to_all a 1)" "$(update t 1)"),{\"end\":true}]" \
		"$(sent "$(subscribed_to_all b 1)" "$(update t 9)")]"
	run -7 --separate-stderr wssub --strict '*'
	[[ $(jq -c .seq <<<"$output") == $'1\nnull' ]]
}

@test "wssub '*' after a restart of wsd" {
	start_wsd --listen "unix:$T/wsd.sock"
	export WSD_URL=ws+unix:$T/wsd.sock:/ws
	watch -c 2
	wspub t 1
	stop_wsd
	start_wsd --listen "unix:$T/wsd.sock"
	until curl -sf --unix-socket "$T/wsd.sock" http://localhost/metrics |
		grep -qx 'wsd_subscriptions 1'; do again; done
	wspub t 2
	ends 0
	[[ $(jq -c '[.type, .tenantId, .data]' "$T/out") == '["UPDATE","t",1]
["GAP","*",null]
["UPDATE","t",2]' ]]
}

@test "wssub '*': --slow skip is told with how many" {
	fake "$(sent "$(subscribed_to_all a 1)" "$(update t 1)" \
		'{"type":"GAP","tenantId":"*","epoch":"a","from":2,"to":41,"reason":"slow"}' \
		"$(update t 9)"),{\"end\":true}]" \
		"$(sent "$(subscribed_to_all a 43)" "$(update t 10)")]"
	run -0 --separate-stderr wssub -v -c 3 '*'
	[[ $stderr == *"gap in '*': updates 2 to 41 are lost (slow)"* ]]
	[[ $stderr == *"updates 3, gaps 1 (updates known to be lost 40), reconnects 1" ]]
}

@test "wssub '*': what makes no sense, and what is refused" {
	run -2 wssub '*' t
	[[ $output == "wssub: '*' is all tenants: name no other"* ]]
	run -2 wssub --since all '*'
	[[ $output == "wssub: --since: of '*' nothing is retained"* ]]
	run -2 wssub --state "$T/state" '*'
	[[ $output == "wssub: --state: of '*' nothing is retained"* ]]
	run -2 wssub 'a*'
	[[ $output == *"'a*' is not a tenant id"* ]]
	run -2 wspub '*' 1
	fake '{"accept":""}]'
	run -2 wssub '*'
	[[ $output == "wssub: '*': '$WSD_URL' does not speak wsd.v1, which this needs" ]]
	fake "$(sent '{"type":"ERROR","id":1,"code":"FORBIDDEN","message":"not yours"}')]"
	run -4 wssub '*'
	[[ $output == "wssub: cannot subscribe to '*': the server says FORBIDDEN: not yours" ]]
	fake "$(sent "$(subscribed_to_all a 1)"),{\"close\":4003}]"
	run -4 wssub '*'
	fake "$(sent '{"type":"ERROR","id":1,"code":"BAD_TENANT","message":"old"}')]"
	run -5 wssub '*'
}
