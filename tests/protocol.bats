#!/usr/bin/env bats
# The subprotocol wsd.v1 of man/wsd-protocol.7 on the wire.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

@test "v1: WELCOME comes first, with the limits" {
	start_wsd --max-message 1000 --max-frame 6000 --max-subscriptions 3
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME","limits":{"message":1000,"frame":6000,"subscriptions":3}}
		a idle
		b open wsd.v1.bulk
		b recv {"type":"WELCOME","limits":{"message":1000,"frame":6000,"subscriptions":3}}
	END
}

@test "v1: SUBSCRIBED, UPDATE, UNSUBSCRIBED" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED","id":1,"tenantId":"t","next":1,"replayed":0,"recovered":true}
		a send {"type":"SUBSCRIBE","id":[2],"tenantId":5}
		a recv {"type":"SUBSCRIBED","id":[2],"tenantId":"5"}
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":{"a":[1, 2]}}
		p recv {"type":"ACK","id":1,"tenantId":"t","epoch":"%epoch%","seq":1,"subscribers":1}
		a recv {"type":"UPDATE","tenantId":"t","epoch":"%epoch%","seq":1,"data":{"a":[1,2]}}
		! [[ '%time%' =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$ ]]
		a send {"type":"SUBSCRIBE","id":3,"tenantId":"t","since":"all"}
		a recv {"type":"SUBSCRIBED","id":3,"next":2,"replayed":0,"recovered":true}
		a send {"type":"UNSUBSCRIBE","id":4,"tenantId":"t"}
		a recv {"type":"UNSUBSCRIBED","id":4,"tenantId":"t"}
		p send {"type":"PUBLISH","id":2,"tenantId":"t","data":2}
		p recv {"type":"ACK","id":2,"seq":2,"subscribers":0}
		a send {"type":"UNSUBSCRIBE","id":5,"tenantId":"never"}
		a recv {"type":"UNSUBSCRIBED","id":5,"tenantId":"never"}
		a idle
	END
}

@test "v1: an update's bytes are untouched in its envelope" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED","id":1}
		a send {"data" : {"b":1.10,"a":12345678901234567890 , "":"\u0000\ud83d\ude00😀"} ,"tenantId":"t","type":"PUBLISH"}
		a recv {"type":"UPDATE","seq":1}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
		b recv {"type":"SUBSCRIBED","id":1,"replayed":1}
		b exact {"type":"UPDATE","tenantId":"t","epoch":"%epoch%","seq":1,"time":"%time%","data":{"b":1.10,"a":12345678901234567890 , "":"\u0000\ud83d\ude00😀"}}
	END
}

@test "v1: every form of since" {
	start_wsd --history-count 5
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		repeat 9 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":%n%}
		p until {"type":"ACK","id":9}
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
		a recv {"type":"SUBSCRIBED","next":5,"replayed":5,"recovered":true}
		a recv {"type":"UPDATE","seq":5,"data":5}
		a until {"type":"UPDATE","seq":9}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":2}
		b recv {"type":"SUBSCRIBED","next":8,"replayed":2,"recovered":true}
		b recv {"type":"UPDATE","seq":8}
		b recv {"type":"UPDATE","seq":9}
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":1000}
		c recv {"type":"SUBSCRIBED","next":5,"replayed":5,"recovered":true}
		d open wsd.v1
		d recv {"type":"WELCOME"}
		d send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":0}
		d recv {"type":"SUBSCRIBED","next":10,"replayed":0,"recovered":true}
		d idle
		e open wsd.v1
		e recv {"type":"WELCOME"}
		e send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"age":"10m"}}
		e recv {"type":"SUBSCRIBED","next":5,"replayed":5,"recovered":true}
		f open wsd.v1
		f recv {"type":"WELCOME"}
		f send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":null}
		f recv {"type":"SUBSCRIBED","next":10,"replayed":0,"recovered":true}
		g open wsd.v1
		g recv {"type":"WELCOME"}
		g send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"seq":6,"epoch":"%epoch%"}}
		g recv {"type":"SUBSCRIBED","next":7,"replayed":3,"recovered":true}
		g recv {"type":"UPDATE","seq":7}
		h open wsd.v1
		h recv {"type":"WELCOME"}
		h send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":9}}
		h recv {"type":"SUBSCRIBED","next":10,"replayed":0,"recovered":true}
		h idle
	END
}

@test "v1: since that cannot be met is a GAP, then everything retained" {
	start_wsd --history-count 3
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		repeat 6 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":%n%}
		p until {"type":"ACK","id":6}
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":1}}
		a recv {"type":"SUBSCRIBED","next":4,"replayed":3,"recovered":false}
		a exact {"type":"GAP","tenantId":"t","epoch":"%epoch%","from":2,"to":3,"reason":"history"}
		a recv {"type":"UPDATE","seq":4}
		a recv {"type":"UPDATE","seq":5}
		a recv {"type":"UPDATE","seq":6}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"k3x9q2.0","seq":5}}
		b recv {"type":"SUBSCRIBED","next":4,"replayed":3,"recovered":false}
		b exact {"type":"GAP","tenantId":"t","epoch":"%epoch%","reason":"restart"}
		b recv {"type":"UPDATE","seq":4}
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":7}}
		c recv {"type":"SUBSCRIBED","next":4,"replayed":3,"recovered":false}
		c exact {"type":"GAP","tenantId":"t","epoch":"%epoch%","reason":"restart"}
		c recv {"type":"UPDATE","seq":4}
		d open wsd.v1
		d recv {"type":"WELCOME"}
		d send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":3}}
		d recv {"type":"SUBSCRIBED","next":4,"replayed":3,"recovered":true}
		d recv {"type":"UPDATE","seq":4}
	END
}

@test "v1: since that is none is BAD_REQUEST" {
	start_wsd
	{
		echo 'a open wsd.v1'
		echo 'a recv {"type":"WELCOME"}'
		for since in '"some"' -1 1.5 true '[]' '{}' '{"age":10}' \
			'{"age":"x"}' '{"epoch":"e"}' '{"seq":1}' \
			'{"epoch":"","seq":1}' '{"epoch":"e","seq":"1"}' \
			'{"epoch":"e","seq":-1}' '{"age":"1m","seq":1}' \
			'{"epoch":"e","seq":1,"seq":2}'; do
			echo "a send {\"type\":\"SUBSCRIBE\",\"id\":1,\"tenantId\":\"t\",\"since\":$since}"
			echo 'a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}'
		done
		echo 'a idle'
	} | raw
}

@test "v1: history ends by bytes" {
	start_wsd --history-size 10k
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		repeat 30 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x995%"}
		p until {"type":"ACK","id":30}
		p send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
		p recv {"type":"SUBSCRIBED","next":21,"replayed":10,"recovered":true}
		repeat 10 p recv {"type":"UPDATE"}
		p idle
	END
}

@test "v1: history ends by age" {
	start_wsd --history-age 300ms
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		p recv {"type":"ACK","id":1}
	END
	seen='"replayed":1'
	until [[ $seen == *'"replayed":0'* ]]; do
		seen=$(raw <<-'END'
			a open wsd.v1
			a recv {"type":"WELCOME"}
			a send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
			a recv {"type":"SUBSCRIBED"}
		END
		)
		again
	done
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		p recv {"type":"ACK","id":1,"seq":2}
		p send {"type":"SUBSCRIBE","id":2,"tenantId":"t","since":{"epoch":"%epoch%","seq":0}}
		p recv {"type":"SUBSCRIBED","next":2,"replayed":1,"recovered":false}
		p recv {"type":"GAP","from":1,"to":1,"reason":"history"}
		p recv {"type":"UPDATE","seq":2}
	END
}

@test "v1: a client that comes back gets exactly what it missed" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED","next":1}
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		a recv {"type":"UPDATE","seq":1}
		a drop
		p recv {"type":"ACK","id":1}
		repeat 100 p send {"type":"PUBLISH","tenantId":"t","data":"%n%"}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":1}}
		b recv {"type":"SUBSCRIBED","next":2,"recovered":true}
		repeat 100 b recv {"type":"UPDATE","data":"%n%"}
		p send {"type":"PUBLISH","tenantId":"t","data":"and on"}
		b recv {"type":"UPDATE","seq":102,"data":"and on"}
		b idle
	END
}

@test "v1: another run has another epoch, and resuming from the first is a restart" {
	start_wsd
	raw >"$BATS_TEST_TMPDIR/first" <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		p recv {"type":"ACK","id":1}
	END
	epoch=$(sed -n 's/.*"epoch":"\([^"]*\).*/\1/p' "$BATS_TEST_TMPDIR/first")
	[[ $epoch =~ ^[0-9a-z]+\.0$ ]]
	stop_wsd
	start_wsd
	raw <<-END
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":"new"}
		a recv {"type":"ACK","id":1,"seq":1}
		! [[ %epoch% != $epoch ]]
		a send {"type":"SUBSCRIBE","id":2,"tenantId":"t","since":{"epoch":"$epoch","seq":1}}
		a recv {"type":"SUBSCRIBED","next":1,"recovered":false}
		a recv {"type":"GAP","reason":"restart"}
		a recv {"type":"UPDATE","seq":1,"data":"new"}
	END
}

@test "v1: a tenant that had to be forgotten comes back with another epoch" {
	start_wsd --max-tenants 2
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		p recv {"type":"ACK","id":1,"seq":1}
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":1}}
		a recv {"type":"SUBSCRIBED","recovered":true}
		a drop
		repeat 5 p send {"type":"PUBLISH","id":1%n%,"tenantId":"t%n%","data":1}
		p until {"type":"ACK","id":15}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":{"epoch":"%epoch%","seq":1}}
		b recv {"type":"SUBSCRIBED","recovered":false,"next":1}
		b recv {"type":"GAP","reason":"restart"}
	END
}

@test "v1: many lines in a frame, blank ones between, a bad one alone is refused" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PING","id":"first"}
		a recv {"type":"PONG","id":"first"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}%nl%%nl%  %nl%{"type":"PUBLISH","id":1,"tenantId":"t","data":1}%nl%{"type":"PUBLISH","id":2,"tenantId":"t","data":}%nl%{"type":"PUBLISH","id":3,"tenantId":"t","data":3}%cr%%nl%{"type":"PING","id":"last"}
		a recv {"type":"SUBSCRIBED","id":1}
		a recv {"type":"ERROR","code":"BAD_JSON","frame":2,"line":5}
		a recv {"type":"PONG","id":"last"}
		a recv {"type":"ACK","id":3,"seq":2}
		a recv {"type":"UPDATE","seq":1,"data":1}
		a recv {"type":"UPDATE","seq":2,"data":3}
		a idle
	END
}

@test "fragments with a ping between are one message; so are empty ones" {
	start_wsd
	for dialect in '' wsd.v1; do
		raw <<-END
			a open $dialect
			${dialect:+a recv {\"type\":\"WELCOME\"\}}
			a part {"type":
			a ping between
			a more "PING","id"
			a more
			a ping between too
			a last :1}
			a recv {"type":"PONG","id":1}
			a part {"type":"PING","id":2}
			a last
			a recv {"type":"PONG","id":2}
			a part
			a more
			a last {"type":"PING","id":3}
			a recv {"type":"PONG","id":3}
			a ponged between
			a ping %x125%
			a idle
		END
	done
}

@test "v1: lines are cut right wherever a fragment ends" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a part {"type":"PING","id":1}
		a more %nl%
		a recv {"type":"PONG","id":1}
		a more {"type":"PING","id":2}%nl%{"type":"PI
		a recv {"type":"PONG","id":2}
		a more NG","id":3}%nl%%nl%%nl%{
		a recv {"type":"PONG","id":3}
		a last "type":"PING","id":4}
		a recv {"type":"PONG","id":4}
	END
}

@test "v1: ACK settles ids, which increase" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PUBLISH","id":5,"tenantId":"t","data":1}
		a recv {"type":"ACK","id":5,"seq":1}
		a send {"type":"PUBLISH","id":5,"tenantId":"t","data":1}
		a recv {"type":"ERROR","id":5,"code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":4,"tenantId":"t","data":1}
		a recv {"type":"ERROR","id":4,"code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":"6","tenantId":"t","data":1}
		a recv {"type":"ERROR","id":"6","code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":0,"tenantId":"t","data":1}
		a recv {"type":"ERROR","id":0,"code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","tenantId":"t","data":2}
		a idle
		a send {"type":"PUBLISH","id":9007199254740991,"tenantId":"t","data":1}
		a recv {"type":"ACK","id":9007199254740991,"seq":3}
	END
}

@test "v1: PRODUCER: what was taken is a duplicate after a reconnect" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PRODUCER","producer":"p-1"}
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":1}
		a recv {"type":"ACK","id":1,"seq":1}
		a send {"type":"PUBLISH","id":2,"tenantId":"t","data":2}
		a recv {"type":"ACK","id":2,"seq":2}
		a send {"type":"PRODUCER","id":3,"producer":"p-2"}
		a recv {"type":"ERROR","id":3,"code":"BAD_REQUEST"}
		a drop
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"PRODUCER","producer":"p-1"}
		b send {"type":"PUBLISH","id":2,"tenantId":"t","data":2}
		b recv {"type":"ACK","id":2,"duplicate":true}
		b send {"type":"PUBLISH","id":3,"tenantId":"t","data":3}
		b recv {"type":"ACK","id":3,"seq":3}
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"PRODUCER","producer":"p-1"}
		c send {"type":"PUBLISH","id":3,"tenantId":"t","data":3}
		b closed 4001 newer connection
		b end
		c recv {"type":"ACK","id":3,"duplicate":true}
		c send {"type":"PUBLISH","id":4,"tenantId":"t","data":4}
		c recv {"type":"ACK","id":4,"seq":4}
		d open wsd.v1
		d recv {"type":"WELCOME"}
		d send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
		d recv {"type":"SUBSCRIBED","replayed":4}
		repeat 4 d recv {"type":"UPDATE","seq":%n%,"data":%n%}
	END
}

@test "v1: a key publishes once for each tenant, whoever sends it" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PUBLISH","id":1,"tenantId":"t","key":"k","data":1}
		a recv {"type":"ACK","id":1,"seq":1}
		a send {"type":"PUBLISH","id":2,"tenantId":"t","key":"\u006b","data":2}
		a recv {"type":"ACK","id":2,"seq":1,"duplicate":true}
		a send {"type":"PUBLISH","id":3,"tenantId":"u","key":"k","data":3}
		a recv {"type":"ACK","id":3,"tenantId":"u","seq":1}
		b open
		b send {"type":"PUBLISH","id":1,"tenantId":"t","key":"k","data":4}
		b recv {"type":"ACK","id":1,"seq":1,"duplicate":true}
		b send {"type":"PUBLISH","id":2,"tenantId":"t","key":"","data":4}
		b recv {"type":"ERROR","id":2,"code":"BAD_REQUEST"}
		b send {"type":"PUBLISH","id":2,"tenantId":"t","key":"%x257%","data":4}
		b recv {"type":"ERROR","id":2,"code":"BAD_REQUEST"}
		b send {"type":"PUBLISH","id":2,"tenantId":"t","key":"%x256%","data":4}
		b recv {"type":"ACK","id":2,"seq":2}
	END
}

@test "v1: a publisher's GAP takes a number, is replayed, and is empty in plain" {
	start_wsd
	raw <<-'END'
		v open wsd.v1
		v recv {"type":"WELCOME"}
		v send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		v recv {"type":"SUBSCRIBED"}
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		p open wsd.v1
		p recv {"type":"WELCOME"}
		p send {"type":"PUBLISH","tenantId":"t","data":1}
		p send {"type":"GAP","id":1,"tenantId":"t","reason":"source"}
		p recv {"type":"ACK","id":1,"seq":2,"subscribers":2}
		p send {"type":"GAP","id":2,"tenantId":"t"}
		p recv {"type":"ACK","id":2,"seq":3}
		p send {"type":"GAP","id":3,"tenantId":"t","reason":"slow"}
		p recv {"type":"ERROR","id":3,"code":"BAD_REQUEST"}
		p send {"type":"PUBLISH","id":4,"tenantId":"t","data":4}
		p recv {"type":"ACK","id":4,"seq":4}
		v recv {"type":"UPDATE","seq":1}
		v recv {"type":"GAP","tenantId":"t","seq":2,"reason":"source"}
		v recv {"type":"GAP","seq":3}
		v recv {"type":"UPDATE","seq":4}
		v idle
		a exact 1
		a exact 4
		a idle
		w open wsd.v1
		w recv {"type":"WELCOME"}
		w send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":3}
		w recv {"type":"SUBSCRIBED","next":2,"replayed":3}
		w recv {"type":"GAP","seq":2,"reason":"source"}
		w recv {"type":"GAP","seq":3}
		w recv {"type":"UPDATE","seq":4}
		b open
		b send {"type":"SUBSCRIBE","tenantId":"t","since":"all"}
		b exact 1
		b exact 4
		b idle
	END
}

@test "v1: PING, AUTH" {
	start_wsd
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PING","id":6}
		a exact {"type":"PONG","id":6}
		a send {"type":"PING"}
		a exact {"type":"PONG"}
		a send {"type":"AUTH","id":1,"token":"x"}
		a recv {"type":"AUTHENTICATED","id":1}
		a send {"type":"AUTH","id":1,"token":1}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
	END
}
