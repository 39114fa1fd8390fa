#!/usr/bin/env bats
# WebSocket by RFC 6455, section by section, as conformance suites go through
# it: on wsd where its protocol can show it, else on the echo server, which is
# wsd with another session (tests/tools/echoserver.c). The echo client is driven
# by tests/tools/casedriver.mjs. Beside this: gate.bats (section 4),
# badinput.bats (what ends a connection of wsd, and that others go on),
# protocol.bats (fragments of wsd's messages).
# shellcheck disable=SC2154 # what start_wsd sets

load helper

BUILD=$(realpath "${BUILD:-$BATS_TEST_DIRNAME/../build}")

start_echo() {
	WSD=$BUILD/tools/echoserver start_wsd
}

# each STEP...: writes a script for wsraw: for each line of stdin a connection of
# its own opens, does each STEP with that line in place of %line%, and is dropped.
each() {
	local line step name n=0

	while IFS= read -r line; do
		name=$BASHPID.$((++n)) # a process for each part of a pipeline
		echo "$name open"
		for step in "$@"; do
			echo "$name ${step//%line%/$line}"
		done
		echo "$name drop"
	done
}

# of WORD... | each STEP...
of() {
	printf '%s\n' "$@"
}

# of_hex TEXT: sets REPLY to the bytes of which TEXT is the hex.
of_hex() {
	local text=$1 escapes=

	for ((; ${#text}; )); do
		escapes+=\\x${text:0:2}
		text=${text:2}
	done
	printf -v REPLY %b "$escapes"
}

# --- 5.2 Base framing ---------------------------------------------------------

lengths=(0 1 125 126 127 128 65535 65536 65537 1048576)

@test "5.2: every width of a length, text and binary" {
	start_echo
	for n in "${lengths[@]}"; do
		echo "a send %x$n%"
		echo "a exact %x$n%"
		echo "a binary %x$n%"
		echo "a blob %x$n%"
	done | { echo 'a open'; cat; } | raw
}

@test "5.2: every width of a length, to wsd, at once and in two fragments" {
	start_wsd
	for dialect in '' wsd.v1; do
		echo "a$dialect open $dialect"
		[[ -z $dialect ]] || echo "a$dialect recv {\"type\":\"WELCOME\"}"
		for n in 125 126 127 128 65535 65536 65537 1048576; do
			request='{"type":"PING","id":"'$n'",'
			fill=$(printf '%*s' $((n - ${#request} - 6)) '')
			echo "a$dialect send $request$fill\"x\":1}"
			echo "a$dialect part $request$fill"
			echo "a$dialect last \"x\":1}"
			echo "a$dialect recv {\"type\":\"PONG\",\"id\":\"$n\"}"
			echo "a$dialect recv {\"type\":\"PONG\",\"id\":\"$n\"}"
		done
	done | raw
}

@test "5.2: all of it byte by byte, the handshake too" {
	start_echo
	raw <<-'END'
		a chop 1
		a open
		a send
		a exact
		a send %x125%
		a exact %x125%
		a binary %x126%
		a blob %x126%
		a ping payload
		a ponged payload
		a part x
		a ping %x125%
		a ponged %x125%
		a last y
		a exact xy
		a hex 81ff0000000000000003 00000000 616263
		a exact abc
		a close 1000 bye
		a closed 1000 bye
		a end
	END
	stop_wsd
	start_wsd
	raw <<-'END'
		a chop 1
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}%nl%{"type":"PUBLISH","id":2,"tenantId":"t","data":"ü"}
		a recv {"type":"SUBSCRIBED"}
		a recv {"type":"ACK","id":2}
		a recv {"type":"UPDATE","data":"ü"}
		a idle
		a close
		a closed 1005
		a end
	END
}

@test "5.2: reserved bits are refused, on every kind of frame" {
	start_echo
	{
		of 91 a1 c1 b1 d1 e1 f1 11 92 99 9a 98 c9 |
			each 'frame %line% x' 'closed 1002'
		of 90 c0 40 | each 'part x' 'frame %line% x' 'closed 1002'
	} | raw
}

@test "5.2: reserved opcodes are refused, within a message too" {
	start_echo
	{
		of 83 84 85 86 87 8b 8c 8d 8e 8f 03 0b |
			each 'frame %line% x' 'closed 1002'
		of 83 03 8b | each 'part x' 'frame %line% x' 'closed 1002'
	} | raw
}

@test "5.2: a length whose top bit is set ends the connection" {
	start_echo
	of 81ff800000000000000000000000 82ffffffffffffffffff00000000 |
		each 'hex %line%' end | raw
}

@test "5.2: a length that nothing can have is closed with 1009 by its header" {
	start_wsd
	raw <<-'END'
		a open
		a hex 81ff4000000000000000 00000000 7b
		a closed 1009
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b hex 81ff7fffffffffffffff 00000000 7b
		b closed 1009
	END
}

@test "5.2: the limit of a message is exact, in one frame and in several" {
	start_wsd --max-message 1000 --max-frame 6000
	raw <<-'END'
		a open
		a send %x5096%
		a recv {"type":"ERROR","code":"BAD_JSON"}
		a part %x5000%
		a last %x96%
		a recv {"type":"ERROR","code":"BAD_JSON"}
		b open
		b announce 5097 x
		b closed 1009
		c open
		c part %x5000%
		c last %x97%
		c closed 1009
		d open wsd.v1
		d recv {"type":"WELCOME"}
		d part %x5990%
		d ping between
		d last %x10%
		d recv {"type":"ERROR","code":"BAD_JSON"}
		e open wsd.v1
		e recv {"type":"WELCOME"}
		e announce 6001 x
		e closed 1009
	END
}

@test "5.2, what the library lets in: lengths that are not in their shortest form" {
	start_echo
	{
		of 81fe0001000000007a 81ff0000000000000001000000007a |
			each 'hex %line%' 'exact z'
		of 81fe000000000000 | each 'hex %line%' exact
	} | raw
}

@test "5.1, what the library lets in: frames that are not masked" {
	start_wsd
	raw <<-'END'
		a open
		a unmasked {"type":"PING","id":1}
		a recv {"type":"PONG","id":1}
		a send {"type":"PING","id":2}
		a recv {"type":"PONG","id":2}
		a idle
	END
}

# --- 5.4 Fragmentation --------------------------------------------------------

@test "5.4: fragments make one message, control frames between them or not" {
	start_echo
	raw <<-'END'
		a open
		a part one
		a last two
		a exact onetwo
		a part
		a more
		a last
		a exact
		a part one
		a ping 1
		a more two
		a pong 2
		a ping %x125%
		a last three
		a exact onetwothree
		a frame 02 b
		a ping
		a last lob
		a blob blob
	END
	{
		echo 'a open'
		echo 'a part x'
		echo 'repeat 1000 a more y'
		echo 'a last z'
		printf 'a exact x%sz\n' "$(printf 'y%.0s' {1..1000})"
		echo 'a part %x100000%'
		echo 'repeat 9 a more %x100000%'
		echo 'a last'
		echo 'a exact %x1000000%'
	} | raw
}

@test "5.4: a continuation of nothing, and a message within another" {
	start_echo
	{
		of 80 00 | each 'frame %line% x' 'closed 1002'
		of 80 00 | each 'part x' 'last y' 'exact xy' 'frame %line% z' \
			'closed 1002'
		of 81 82 01 02 | each 'part x' 'frame %line% y' 'closed 1002'
	} | raw
}

# --- 5.5 Control frames -------------------------------------------------------

@test "5.5: control frames are neither fragments nor longer than 125 bytes" {
	start_echo
	{
		of 08 09 0a | each 'frame %line% x' 'closed 1002'
		of 08 09 0a | each 'part x' 'frame %line%' 'closed 1002'
		of 88 89 8a | each 'frame %line% %x126%' end
		of 89fe000000000000 8aff000000000000000000000000 |
			each 'hex %line%' end
	} | raw
}

@test "5.5.1: codes that may be sent come back, with their reason" {
	start_echo
	{
		of 1000 1001 1002 1003 1007 1008 1009 1010 1011 3000 3999 4000 \
			4999 | each 'close %line%' 'closed %line%' end
		of '1000 bye' '1000 Grüße, κόσμε 𐍈' '4000 %x123%' |
			each 'close %line%' 'closed %line%' end
	} | raw
}

@test "5.5.1: codes that may not be sent are a protocol error" {
	start_echo
	of 0 1 999 1004 1005 1006 1015 1016 1100 2000 2999 |
		each 'close %line%' 'closed 1002' end | raw
}

@test "5.5.1, as the library has it: 1012 to 1014 are an error, above 4999 none" {
	start_echo
	{
		of 1012 1013 1014 | each 'close %line%' 'closed 1002' end
		of 5000 65535 | each 'close %line%' 'closed %line%' end
	} | raw
}

@test "5.5.1: no code, half a code, a reason that is not UTF-8" {
	for program in "$BUILD/tools/echoserver" "$BIN/wsd"; do
		WSD=$program start_wsd
		raw <<-'END'
			a open
			a close
			a closed 1005
			a end
			b open
			b bits 88 03
			b closed 1002
			b end
			c open
			c bits 88 03e8ff
			c closed 1007
			c end
			d open
			d bits 88 03e8eda080
			d closed 1007
			d end
			e open
			e part x
			e bits 88 03e8c3
			e closed 1007
			e end
		END
		stop_wsd
	done
}

@test "5.5.1: what comes behind a close frame counts for nothing" {
	start_wsd
	raw <<-'END'
		w open wsd.v1
		w recv {"type":"WELCOME"}
		w send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		w recv {"type":"SUBSCRIBED"}
		a open
		a cork
		a send {"type":"PUBLISH","tenantId":"t","data":"before"}
		a close 1000
		a send {"type":"PUBLISH","tenantId":"t","data":"behind"}
		a ping x
		a uncork
		a closed 1000
		a end
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b cork
		b part {"type":"PUBLISH","tenantId":"t","data":"in
		b close 1001
		b last  pieces"}
		b close 1002
		b uncork
		b closed 1001
		b end
		c open
		c cork
		c bits 88 03
		c send {"type":"PUBLISH","tenantId":"t","data":"behind half a code"}
		c uncork
		c closed 1002
		c end
		w recv {"type":"UPDATE","seq":1,"data":"before"}
		w idle
	END
}

@test "5.5.2: a ping comes back as it is, and disturbs no message" {
	start_wsd
	raw <<-'END'
		a open
		a ping
		a ponged
		a ping x
		a ponged x
		a ping %x125%
		a ponged %x125%
	END
	for n in {1..50}; do
		echo "a ping $n"
		echo "a ponged $n"
	done | { echo 'a open wsd.v1'; cat; } | raw
}

@test "5.5.3: of several pings at once one is answered at least" {
	start_wsd
	raw <<-'END'
		a open
		a cork
		repeat 10 a ping same
		a uncork
		a ponged same
		a send {"type":"PING","id":1}
		a recv {"type":"PONG","id":1}
	END
}

@test "5.5.3: pongs that nobody asked for are nothing" {
	start_wsd
	raw <<-'END'
		a open
		a pong
		a pong unasked
		a pong %x125%
		a part {"type":
		a pong between
		a last "PING","id":1}
		a recv {"type":"PONG","id":1}
		a idle
	END
}

# --- 8.1 UTF-8 ----------------------------------------------------------------

# A line is the bytes of a text, in hex.
valid() {
	cat <<-END
		7f
		c280
		dfbf
		e0a080
		ed9fbf
		ee8080
		efbfbd
		efbfbe
		efbfbf
		f0908080
		f09fbfbf
		f48fbfbf
		efbbbf
		cebae1bdb9cf83cebcceb5
	END
}

invalid() {
	cat <<-END
		80
		bf
		8080
		c0
		c2
		e1
		e188
		f1
		f18080
		fe
		ff
		c080
		c1bf
		c0af
		e08080
		e09fbf
		f0808080
		f08fbfbf
		f888808080
		fc8480808080
		eda080
		edbfbf
		eda080edb080
		f4908080
		f5808080
		f7bfbfbf
		c328
		e228a1
		e28228
		f0288cbc
		cebae1bdb9cf83cebcceb5eda080656469746564
	END
}

# in_pieces NAME HEX: steps that send each byte as a continuation.
in_pieces() {
	local text=$2

	for ((; ${#text}; )); do
		echo "$1 bits 00 ${text:0:2}"
		text=${text:2}
	done
}

@test "8.1: what is UTF-8 comes back, however it is cut" {
	start_echo
	{
		echo 'a open'
		while read -r text; do
			echo "a bits 81 61$text"
			echo 'a bits 01 61'
			in_pieces a "$text"
			echo 'a last'
			of_hex "$text"
			echo "a exact a$REPLY"
			echo "a exact a$REPLY"
		done < <(valid)
		text=cebae1bdb9cf83cebcceb5f09d8492
		echo 'a chop 1'
		echo "a bits 81 $text"
		of_hex $text
		echo "a exact $REPLY"
	} | raw
}

@test "8.1: what is not UTF-8 is closed with 1007, however it is cut" {
	start_echo
	{
		invalid | each 'bits 81 61%line%' 'closed 1007'
		invalid | each 'bits 01 61%line%' 'last x' 'closed 1007'
		while read -r text; do
			echo "$text open"
			echo "$text part x"
			in_pieces "$text" "$text"
			echo "$text last"
			echo "$text closed 1007"
		done < <(invalid)
	} | raw
}

@test "8.1: wsd closes with 1007, wherever in a request it is, in both dialects" {
	start_wsd
	{
		invalid | each 'bits 81 22%line%22' 'closed 1007'
		invalid | each 'part {"type":"PING","id":"' 'bits 00 %line%' \
			'last "}' 'closed 1007'
		# behind another fault, as a name, in a line of several
		cat <<-'END'
			a open wsd.v1
			a recv {"type":"WELCOME"}
			a bits 81 7d ff
			a closed 1007
			b open wsd.v1
			b recv {"type":"WELCOME"}
			b bits 81 7b22ff223a317d
			b closed 1007
			c open wsd.v1
			c recv {"type":"WELCOME"}
			c part {"type":"PING","id":1}%nl%
			c recv {"type":"PONG","id":1}
			c bits 00 ff0a
			c last {"type":"PING","id":2}
			c closed 1007
		END
	} | raw
}

@test "8.1: wsd hands on every code point" {
	start_wsd
	{
		echo 'a open'
		echo 'a send {"type":"SUBSCRIBE","tenantId":"t","id":1}'
		echo 'a recv {"type":"SUBSCRIBED"}'
		while read -r text; do
			echo 'a part {"type":"PUBLISH","tenantId":"t","data":"'
			in_pieces a "$text"
			echo 'a last "}'
			of_hex "$text"
			echo "a exact \"$REPLY\""
		done < <(valid)
	} | raw
}

# --- The client ---------------------------------------------------------------

@test "the client side: all cases of our own driver" {
	listening node "$BATS_TEST_DIRNAME/tools/casedriver.mjs"
	"$BUILD/tools/echoclient" "ws://127.0.0.1:$PORT" test
	wait "$PID"
}
