#!/usr/bin/env bats
# What bounds a peer: connections, and the time that things may take.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

@test "connections beyond --max-connections are told so, then taken again" {
	[[ -z ${WSD_TLS-} ]] || skip 'an alert of TLS says less'
	start_wsd --max-connections 2
	raw <<-'END'
		a open
		b open
		z try
		z status 503
		z body "code":"OVER_CAPACITY"
		z end
		! curl -s "$http/healthz" | jq -e '.error.code == "OVER_CAPACITY"'
		b drop
		! until curl -sf "$http/healthz"; do again; done
		y open
		y idle
		a idle
	END
}

@test "connections of one address beyond --max-per-address are told so" {
	[[ -z ${WSD_TLS-} ]] || skip 'an alert of TLS says less'
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
		! until curl -sf "${urls[1]/#ws/http}z" -o /dev/null -w '%{http_code}' | grep -q 404; do again; done
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

@test "who says nothing can't take all connections" {
	start_wsd --max-connections 4
	raw <<-'END'
		a connect
		b connect
		c connect
		a end
		d open
		e open
		d idle
		e idle
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

@test "updates above --tenant-rate are refused, of that tenant alone" {
	start_wsd --tenant-rate 5
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		repeat 7 p send {"type":"PUBLISH","tenantId":"b","data":%n%}
		p recv {"type":"ERROR","code":"RATE_LIMITED"}
		p send {"type":"PUBLISH","id":1,"tenantId":"c","data":1}
		p recv {"type":"ACK","id":1,"tenantId":"c","seq":1}
	END
}

@test "--connection-rate slows a publisher down, and loses nothing" {
	start_wsd --connection-rate 20
	seq 35 >"$BATS_TEST_TMPDIR/in"
	begin=$EPOCHREALTIME
	"$BIN/wspub" -u "$url" -f "$BATS_TEST_TMPDIR/in" t
	took=$(jq -n "$EPOCHREALTIME - $begin")
	[[ $(jq -n "$took > 0.6 and $took < 5") == true ]]
	"$BIN/wssub" -u "$url" --since all -c 35 -W 5 t >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "--connection-bytes does so too" {
	start_wsd --connection-bytes 20k
	for i in {1..30}; do
		printf '{"n":%d,"pad":"%01000d"}\n' "$i" 0
	done >"$BATS_TEST_TMPDIR/in"
	begin=$EPOCHREALTIME
	"$BIN/wspub" -u "$url" -f "$BATS_TEST_TMPDIR/in" t
	took=$(jq -n "$EPOCHREALTIME - $begin")
	[[ $(jq -n "$took > 0.4 and $took < 5") == true ]]
	"$BIN/wssub" -u "$url" --since all -c 30 -W 5 t >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

# A reader that stops, and 400 updates of 9000 bytes meanwhile.
stall_and_go_on() {
	cat <<-'END'
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED","id":1}
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 400 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":400}
		a resume
	END
}

@test "--slow skip: a GAP says what is missing, and then it goes on" {
	start_wsd --sndbuf 4096 --max-lag 100k --slow skip
	{
		printf 'a open wsd.v1\na recv {"type":"WELCOME"}\n'
		stall_and_go_on
		cat <<-'END'
			a until {"type":"GAP","tenantId":"t","reason":"slow"}
			p send {"type":"PUBLISH","id":401,"tenantId":"t","data":"end"}
			a until {"type":"UPDATE","seq":401,"data":"end"}
			a idle
		END
	} | raw >"$BATS_TEST_TMPDIR/out"
	# Each update came once, or is within a GAP, in order.
	sed -n 's/^a text //p' "$BATS_TEST_TMPDIR/out" | awk '
		function number(name) {
			match($0, "\"" name "\":[0-9]+")
			return substr($0, RSTART + length(name) + 3,
				RLENGTH - length(name) - 3) + 0
		}
		/"UPDATE"/ { if (number("seq") != ++last) exit bad = 1 }
		/"GAP"/ {
			if (number("from") != ++last) exit bad = 1
			last = number("to"); gaps++
		}
		END { exit bad || last != 401 || !gaps }'
}

@test "--slow skip: who can't be told is closed with 4108" {
	start_wsd --sndbuf 4096 --max-lag 100k --slow skip
	{
		echo 'a open'
		stall_and_go_on | sed '2s/.*/a recv {"type":"SUBSCRIBED"}/'
		echo 'a finally 4108'
	} | raw
}
