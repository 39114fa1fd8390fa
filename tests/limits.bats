#!/usr/bin/env bats
# What bounds a peer: connections, and the time that things may take.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

@test "connections beyond --max-connections are told so, then taken again" {
	start_wsd --max-connections 2
	raw <<-'END'
		a open
		b open
		z try
		z status 503
		z body "code":"OVER_CAPACITY"
		z end
		b drop
		! until curl -sf "$http/healthz"; do :; done
		y open
		y idle
		a idle
	END
}

@test "connections of one address beyond --max-per-address are told so" {
	start_wsd --max-per-address 2 --listen '[::1]:0' --listen 127.0.0.1:0
	raw "${urls[1]}" <<-END
		a open
		b open
		z try
		z status 429
		z end
		y url ${urls[0]}
		y open
		y idle
		a drop
		! until curl -sf "${urls[1]/#ws/http}z" -o /dev/null -w '%{http_code}' | grep -q 404; do :; done
		x open
		x idle
	END
	grep -q "refused a connection from 127.0.0.1:.*--max-per-address" \
		"$wsd_log"
}

@test "who says nothing is dropped after --handshake-timeout" {
	start_wsd --handshake-timeout 300ms
	raw <<-'END'
		a connect
		b connect
		b raw "GET /ws HTTP/1.1\r\nHost: x\r\n"
		good open
		a end
		b end
		good idle
	END
}

@test "of too many that say nothing the oldest is dropped" {
	start_wsd --max-half-open 2
	raw <<-'END'
		a connect
		a raw "GET"
		b connect
		b raw "GET"
		c connect
		c raw "GET"
		a end
		d open
		d idle
		b end
		c raw " /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
		c status 200
		d idle
	END
}

@test "a quiet peer is sent pings, and stays when it answers" {
	start_wsd --ping 200ms --dead-after 500ms
	raw <<-'END'
		a open
		b open wsd.v1
		b recv {"type":"WELCOME"}
		a pinged 5
		b pinged 5
		a idle
		b idle
	END
}

@test "a peer that answers no ping is dropped" {
	start_wsd -v --ping 200ms --dead-after 500ms
	raw <<-'END'
		a open
		b open
		b send {"type":"SUBSCRIBE","tenantId":"t"}
		b idle
		b deaf
		b end
		a idle
	END
	grep -q "connection 2 is dead" "$wsd_log"
}

@test "a message that does not end in time closes with 4108" {
	start_wsd --message-timeout 300ms --ping 200ms --dead-after 10s
	raw <<-'END'
		a open
		a announce 1000 {"type":
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b part {"type":"PING",
		b ping x
		b ponged x
		a closed 4108 did not end in time
		b closed 4108 did not end in time
		c open
		c part {"type":"PING",
		c last "id":1}
		c recv {"type":"PONG","id":1}
		c pinged 3
		c idle
	END
}

@test "a stopped server does not take its silence for that of its peers" {
	start_wsd --ping 200ms --dead-after 600ms
	raw <<-'END'
		a open
		a pinged 2
		! kill -STOP $wsd
		! node -e 'setTimeout(() => {}, 1500)'
		! kill -CONT $wsd
		a pinged 3
		a idle
	END
}
