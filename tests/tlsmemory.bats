#!/usr/bin/env bats
# What waits for a peer over TLS counts, whoever still knows of it.
# shellcheck disable=SC2154 # what start_wsd sets

load helper
load hostile

@test "the rest of an update that a peer left behind counts until it is gone" {
	make_tls "$BATS_TEST_TMPDIR/tls"
	WSD_TLS=$BATS_TEST_TMPDIR/tls start_wsd --max-lag 100M
	big=$BATS_TEST_TMPDIR/big
	{
		printf '"'
		head -c 900000 /dev/zero | tr '\0' x
		printf '"'
	} >"$big"
	export big
	export -f metric
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		a pause
		! until (($(metric 'wsd_memory_bytes{kind="output"}') > 50000)); do curl -sf -H 'Content-Type: application/json' --data-binary "@$big" "$http/v1/tenants/t/updates"; again; done
		a close 1000
		! until [[ $(metric 'wsd_connections{dialect="wsd.v1"}') == 0 ]]; do again; done
		! (($(metric 'wsd_memory_bytes{kind="output"}') > 50000))
		a drop
		! until [[ $(metric 'wsd_memory_bytes{kind="output"}') == 0 ]]; do again; done
	END
	stop_wsd
}
