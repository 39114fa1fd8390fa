#!/usr/bin/env bats
# The plain dialect of man/wsd-protocol.7 on the wire: what the sketch's clients
# speak.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

@test "plain: the sketch's client gets every update as the bare JSON, and nothing else" {
	start_wsd
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"tenant-1"}
		a idle
		p open
		p send {"type":"PUBLISH","tenantId":"tenant-1","data":{"job": 1,  "n":1.10}}
		p send {"type":"PUBLISH","tenantId":"tenant-2","data":2}
		p send {"type":"PUBLISH","tenantId":"tenant-1","data":12345678901234567890}
		p send {"type":"PUBLISH","tenantId":"tenant-1","data":"\u00fc\/ü"}
		p send {"type":"PUBLISH","tenantId":"tenant-1","data":null}
		p idle
		a exact {"job": 1,  "n":1.10}
		a exact 12345678901234567890
		a exact "\u00fc\/ü"
		a exact null
		a idle
	END
}

@test "newlines in an update become spaces, no other byte changes" {
	start_wsd
	raw <<-'END'
		v open wsd.v1
		v recv {"type":"WELCOME"}
		v send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		v recv {"type":"SUBSCRIBED"}
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a send {"type":"PUBLISH","tenantId":"t","data":{%nl%"a":%cr%%nl%%tab%[1,%nl%2]%nl%}%nl%}
		a exact { "a":  %tab%[1, 2] }
		v recv {"type":"UPDATE","data":{"a":[1,2]}}
		w open wsd.v1
		w recv {"type":"WELCOME"}
		w send {"type":"SUBSCRIBE","id":1,"tenantId":"t","since":"all"}
		w recv {"type":"SUBSCRIBED"}
		w exact {"type":"UPDATE","tenantId":"t","epoch":"%epoch%","seq":1,"time":"%time%","data":{ "a":  %tab%[1, 2] }}
	END
}

@test "plain: more tenants, one of them a number, each until it is unsubscribed" {
	start_wsd
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a send {"type":"SUBSCRIBE","tenantId":42}
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		a send {"type":"PUBLISH","tenantId":"42","data":"to 42"}
		a exact "to 42"
		a send {"type":"PUBLISH","tenantId":"t","data":"to t"}
		a exact "to t"
		a send {"type":"UNSUBSCRIBE","tenantId":"42"}
		a send {"type":"PUBLISH","tenantId":42,"data":"lost"}
		a send {"type":"PUBLISH","tenantId":"t","data":"still"}
		a exact "still"
		a idle
	END
}

@test "plain: a request with an id is answered with that id, whatever JSON it is" {
	start_wsd
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","id":"s","tenantId":"t"}
		a recv {"type":"SUBSCRIBED","id":"s","tenantId":"t","next":1,"replayed":0,"recovered":true}
		a send {"type":"PUBLISH","id":{"a":[1,null]},"tenantId":"t","data":1}
		a until {"type":"ACK","id":{"a":[1,null]},"tenantId":"t","seq":1,"subscribers":1}
		a send {"type":"UNSUBSCRIBE","id":null,"tenantId":"t"}
		a until {"type":"UNSUBSCRIBED","id":null,"tenantId":"t"}
		a send {"type":"PUBLISH","id":7,"tenantId":"t","data":2}
		a recv {"type":"ACK","id":7,"seq":2,"subscribers":0}
		a send {"type":"PUBLISH","id":7,"tenantId":"t","data":2}
		a recv {"type":"ACK","id":7,"seq":3}
		a send {"type":"PING","id":-1.5e3}
		a recv {"type":"PONG","id":-1500}
		a send {"type":"PING"}
		a idle
	END
}

@test "plain: since works, and where a GAP would be due the connection is closed" {
	start_wsd --history-count 2
	raw <<-'END'
		p open wsd.v1
		p recv {"type":"WELCOME"}
		repeat 4 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":%n%}
		p until {"type":"ACK","id":4}
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t","since":"all"}
		a exact 3
		a exact 4
		b open
		b send {"type":"SUBSCRIBE","tenantId":"t","since":1}
		b exact 4
		c open
		c send {"type":"SUBSCRIBE","tenantId":"t","since":{"epoch":"%epoch%","seq":2}}
		c exact 3
		c exact 4
		d open
		d send {"type":"SUBSCRIBE","tenantId":"t","since":{"epoch":"%epoch%","seq":1}}
		d closed 4001 not all there
		d end
		e open
		e send {"type":"SUBSCRIBE","tenantId":"t","since":{"epoch":"other.0","seq":3}}
		e closed 4001
		e end
		f open
		f send {"type":"SUBSCRIBE","tenantId":"t","since":{"epoch":"%epoch%","seq":5}}
		f closed 4001
		f end
		a idle
		b idle
		c idle
	END
}

@test "plain: bad input gets an ERROR, and the connection stays" {
	start_wsd
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"
		a recv {"type":"ERROR","code":"BAD_JSON","frame":1,"line":1}
		a send nonsense
		a recv {"type":"ERROR","code":"BAD_JSON","frame":2}
		a send
		a recv {"type":"ERROR","code":"BAD_JSON","frame":3}
		a send []
		a recv {"type":"ERROR","code":"BAD_REQUEST"}
		a send {"type":"SHOUT","id":1}
		a recv {"type":"ERROR","code":"UNKNOWN_TYPE","id":1}
		a send {"type":"SUBSCRIBE","tenantId":"a b","id":2}
		a recv {"type":"ERROR","code":"BAD_TENANT","id":2}
		a send {"type":"PRODUCER","producer":"x","id":3}
		a recv {"type":"ERROR","code":"BAD_REQUEST","id":3}
		a send {"type":"PING","id":1} {"type":"PING","id":2}
		a recv {"type":"ERROR","code":"BAD_JSON"}
		a idle
	END
}
