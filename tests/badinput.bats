#!/usr/bin/env bats
# What bad input gets, in both dialects: an ERROR or a close code, and nobody
# else notices.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

@test "ERROR: each code, naming the id or else frame and line" {
	start_wsd --max-message 100 --max-subscriptions 2 --max-tenants 4
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"PING","id":1
		a recv {"type":"ERROR","frame":1,"line":1,"code":"BAD_JSON"}
		a send {"type":"PING","id":1}x
		a recv {"type":"ERROR","frame":2,"line":1,"code":"BAD_JSON","message":"column 23: something follows the document"}
		a send {"type":"PING","type":"PING","id":1}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		a send {"type":"PING","\u0069d":1,"id":2}
		a recv {"type":"ERROR","code":"BAD_REQUEST"}
		a send {"id":1}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		a send {"type":7,"id":1}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		a send "text"
		a recv {"type":"ERROR","frame":7,"line":1,"code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":1,"tenantId":"t"}
		a recv {"type":"ERROR","id":1,"code":"BAD_REQUEST"}
		a send {"type":"subscribe","id":1,"tenantId":"t"}
		a recv {"type":"ERROR","id":1,"code":"UNKNOWN_TYPE"}
		a send {"type":"PING","id":"%x64%"}
		a recv {"type":"ERROR","code":"BAD_REQUEST"}
		a send {"type":"PUBLISH","id":1,"tenantId":"t","data":"%x98%"}
		a recv {"type":"ACK","id":1}
		a send {"type":"PUBLISH","id":2,"tenantId":"t","data":"%x99%"}
		a recv {"type":"ERROR","id":2,"code":"TOO_LARGE"}
		repeat 3 a send {"type":"SUBSCRIBE","id":%n%,"tenantId":"t%n%"}
		a recv {"type":"SUBSCRIBED","id":1}
		a recv {"type":"SUBSCRIBED","id":2}
		a recv {"type":"ERROR","id":3,"code":"TOO_MANY_SUBSCRIPTIONS"}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t3"}
		b recv {"type":"SUBSCRIBED","id":1}
		c open wsd.v1
		c recv {"type":"WELCOME"}
		c send {"type":"SUBSCRIBE","id":1,"tenantId":"t4"}
		c recv {"type":"ERROR","id":1,"code":"OVER_CAPACITY"}
		c send {"type":"PUBLISH","id":1,"tenantId":"t5","data":1}
		c recv {"type":"ERROR","id":1,"code":"OVER_CAPACITY"}
		a idle
		b idle
	END
}

@test "BAD_TENANT: what is no tenant id" {
	start_wsd
	{
		echo 'a open wsd.v1'
		echo 'a recv {"type":"WELCOME"}'
		for id in '""' '"."' '".."' '"a*"' '"a b"' '"a/b"' '"ü"' '"a\n"' \
			'"%x129%"' true null '[]' '{}' 1.5 '"a\u0000"' '"\ud800"'; do
			echo "a send {\"type\":\"SUBSCRIBE\",\"id\":1,\"tenantId\":$id}"
			echo 'a recv {"type":"ERROR","id":1,"code":"BAD_TENANT"}'
		done
		for id in '"%x128%"' '"..."' '"A-Z.a_z:0@9"' '"\u0061"' 0 -1; do
			echo "a send {\"type\":\"SUBSCRIBE\",\"id\":1,\"tenantId\":$id}"
			echo 'a recv {"type":"SUBSCRIBED","id":1}'
		done
		echo 'a idle'
	} | raw
}

@test "what is no JSON by RFC 8259 is refused" {
	start_wsd
	{
		echo 'a open wsd.v1'
		echo 'a recv {"type":"WELCOME"}'
		for data in 01 +1 .5 1. 1e '"\x"' '"\u12"' "'a'" '{a:1}' '[1,]' \
			'{"a":1,}' NaN TRUE nul '/**/1' '"' $'"\t"' \
			"$(printf '[%.0s' {1..129})$(printf ']%.0s' {1..129})"; do
			echo "a send {\"type\":\"PUBLISH\",\"tenantId\":\"t\",\"data\":$data}"
			echo 'a recv {"type":"ERROR","code":"BAD_JSON"}'
		done
		printf 'a send \xef\xbb\xbf{"type":"PING","id":1}\n'
		echo 'a recv {"type":"ERROR","code":"BAD_JSON"}'
		deepest=$(printf '[%.0s' {1..128})$(printf ']%.0s' {1..128})
		echo "a send {\"type\":\"PUBLISH\",\"id\":1,\"tenantId\":\"t\",\"data\":$deepest}"
		echo 'a recv {"type":"ACK","id":1}'
		echo 'a idle'
	} | raw
}

@test "a fault and the peer's close in one segment: the fault is told, answers too" {
	start_wsd
	# a binary frame, then a close frame 1000, masked with zeros
	raw <<-'END'
		a open
		a hex 82810000000078888200000000 03e8
		a closed 1003
		a end
	END
	# a PUBLISH of 50 bytes, then a close frame
	publish=$(printf '{"type":"PUBLISH","id":1,"tenantId":"t","data":12}' |
		od -An -v -tx1 | tr -d ' \n')
	raw <<-END
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b hex 81b200000000 $publish 888200000000 03e8
		b recv {"type":"ACK","id":1,"seq":1}
		b closed 1000
	END
}

@test "close codes: 1003 binary, 1007 not UTF-8, 1009 too big or announced so" {
	start_wsd --max-message 1000 --max-frame 6000
	for dialect in '' wsd.v1; do
		welcome=${dialect:+'recv {"type":"WELCOME"}'}
		welcome=${welcome:-idle}
		raw <<-END
			w open $dialect
			w $welcome
			w send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
			w recv {"type":"SUBSCRIBED","id":1}
			a open $dialect
			a $welcome
			a binary {"type":"PING","id":1}
			a closed 1003
			a end
			b open $dialect
			b $welcome
			b hex 81 83 00000000 22ff22
			b closed 1007
			b end
			c open $dialect
			c $welcome
			c send "%x9000%"
			c closed 1009
			c end
			d open $dialect
			d $welcome
			d announce 4611686018427387904 {
			d closed 1009
			d fin
			d end
			e open $dialect
			e $welcome
			e part "
			repeat 20 e more %x500%
			e closed 1009
			e end
			f open $dialect
			f $welcome
			f part {"type":
			f hex 80 ff 7fffffffffffffff 00000000 22
			f closed 1009
			f fin
			f end
			w idle
		END
	done
}

@test "protocol errors end the connection, and the others go on" {
	start_wsd
	raw <<-'END'
		w open wsd.v1
		w recv {"type":"WELCOME"}
		w send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		w recv {"type":"SUBSCRIBED"}
		a open
		a frame 83 x
		a closed 1002
		b open
		b frame c1 x
		b closed 1002
		c open
		c frame 09 x
		c closed 1002
		d open
		d frame 80 x
		d closed 1002
		e open
		e part x
		e frame 81 x
		e closed 1002
		f open
		f frame 89 %x126%
		f end
		p open
		p send {"type":"PUBLISH","tenantId":"t","data":"on"}
		w recv {"type":"UPDATE","data":"on"}
		w idle
	END
}

@test "nothing comes behind a close frame, not even updates" {
	start_wsd
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		b recv {"type":"SUBSCRIBED"}
		p open wsd.v1
		p recv {"type":"WELCOME"}
		a rude
		b rude
		a frame 83 x
		a closed 1002
		b binary x
		b closed 1003
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":1}
		p until {"type":"ACK","id":100}
		a end
		b end
	END
}

@test "a client's close is answered with its code, then the connection ends" {
	start_wsd
	raw <<-'END'
		a open
		a close 1000 bye
		a closed 1000
		a end
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b close
		b closed 1005
		b end
		c open
		c close 4321
		c closed 4321
		c end
	END
}

@test "4108: who falls further behind than --max-lag is closed, the others get all" {
	start_wsd --max-lag 64k --sndbuf 4096
	for dialect in '' wsd.v1; do
		{
			cat <<-END
				w open wsd.v1
				w recv {"type":"WELCOME"}
				w send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
				w recv {"type":"SUBSCRIBED"}
				a open $dialect
				a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
				a until {"type":"SUBSCRIBED"}
				a pause
				p open wsd.v1
				p recv {"type":"WELCOME"}
			END
			for n in {1..100}; do
				echo "p send {\"type\":\"PUBLISH\",\"tenantId\":\"t\",\"data\":\"$n-%x9000%\"}"
				echo "w recv {\"type\":\"UPDATE\",\"data\":\"$n-%x9000%\"}"
			done
			cat <<-END
				w idle
				a resume
				a finally 4108 too slowly
				a end
			END
		} | raw
	done
}

@test "who asks and never reads is not read from, and bounds nobody else" {
	start_wsd --sndbuf 4096
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a pause
		repeat 20000 a send {"type":"PING","id":%n%}
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b idle
		a resume
		repeat 20000 a recv {"type":"PONG","id":%n%}
		a idle
	END
}

@test "unmasked frames disturb nobody else" {
	start_wsd
	raw <<-'END'
		w open
		w send {"type":"SUBSCRIBE","tenantId":"t"}
		w idle
		a open
		a unmasked {"type":"PUBLISH","tenantId":"u","data":1}
		a drop
		w idle
	END
}
