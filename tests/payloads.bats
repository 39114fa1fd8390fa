#!/usr/bin/env bats
# Real webhook payloads, published in every way there is, arrive at every
# subscriber byte for byte and in order.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup_file() {
	payloads=$BATS_FILE_TMPDIR
	count=$(node "$BATS_TEST_DIRNAME/tools/payloads.mjs" "$payloads")
	export payloads count
	((count > 700))
}

# arrive LINES VERB...: the step VERB of a connection `p`, or of the shell,
# publishes what arrives as the lines of a file at every kind of subscriber.
arrive() {
	local lines=$1 fifo=$BATS_TEST_TMPDIR/subscribed n
	shift
	n=$(wc -l <"$lines")
	start_wsd
	mkfifo "$fifo"
	exec 5<>"$fifo" # or opening it would wait for the other end
	start "$BIN/wssub" -u "$url" -c "$n" --ready-fd 5 t \
		>"$BATS_TEST_TMPDIR/wssub"
	read -r _ <&5
	exec 5<&-
	raw <<-END
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		b open wsd.v1
		b recv {"type":"WELCOME"}
		b send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		b recv {"type":"SUBSCRIBED"}
		$*
		a updates $lines
		b updates $lines
		a idle
		b idle
	END
	wait "$PID"
	cmp "$BATS_TEST_TMPDIR/wssub" "$lines"
}

@test "plain PUBLISH" {
	arrive "$payloads/lines" "
		p open
		p lines $payloads/publish
		p until {\"type\":\"ACK\",\"id\":$count}"
}

@test "wsd.v1, a message a frame" {
	arrive "$payloads/lines" "
		p open wsd.v1
		p lines $payloads/publish
		p until {\"type\":\"ACK\",\"id\":$count}"
}

@test "wsd.v1.bulk, many messages a frame" {
	arrive "$payloads/lines" "
		p open wsd.v1.bulk
		p bundle $payloads/publish
		p until {\"type\":\"ACK\",\"id\":$count}"
}

@test "wspub, from stdin" {
	arrive "$payloads/lines" \
		"! $BIN/wspub -u \$url t <$payloads/lines"
}

@test "wspub -f, from a file" {
	arrive "$payloads/lines" \
		"! $BIN/wspub -u \$url -f $payloads/lines t"
}

@test "wspub --no-ack" {
	arrive "$payloads/lines" \
		"! $BIN/wspub -u \$url --no-ack -f $payloads/lines t"
}

@test "wspub -s, one indented document a file" {
	arrive "$payloads/flat" \
		"! $BIN/wspub -u \$url -s $(printf -- '-f %s ' "$payloads"/pretty/*) t"
}

@test "wspub -s, an indented document from stdin" {
	head -n 1 "$payloads/flat" >"$BATS_TEST_TMPDIR/first"
	arrive "$BATS_TEST_TMPDIR/first" \
		"! $BIN/wspub -u \$url -s t <$payloads/pretty/0000"
}

@test "wspub, documents as arguments" {
	head -n 100 "$payloads/lines" >"$BATS_TEST_TMPDIR/some"
	arrive "$BATS_TEST_TMPDIR/some" \
		"! mapfile -t some <$BATS_TEST_TMPDIR/some; $BIN/wspub -u \$url t \"\${some[@]}\""
}

@test "wspub --tenant-field, the member is gone without a trace" {
	arrive "$payloads/lines" \
		"! $BIN/wspub -u \$url --tenant-field tenantId -f $payloads/tenants"
}

@test "POST, a request for each" {
	head -n 100 "$payloads/lines" >"$BATS_TEST_TMPDIR/some"
	mkdir "$BATS_TEST_TMPDIR/each"
	split -l 1 -a 4 "$BATS_TEST_TMPDIR/some" "$BATS_TEST_TMPDIR/each/"
	arrive "$BATS_TEST_TMPDIR/some" \
		"! for f in $BATS_TEST_TMPDIR/each/*; do curl -sf -d @\$f \$http/v1/tenants/t/updates; done"
}

@test "POST, NDJSON" {
	arrive "$payloads/lines" \
		"! curl -sf --data-binary @$payloads/lines -H 'Content-Type: application/x-ndjson' \$http/v1/tenants/t/updates"
}

@test "POST, indented documents" {
	head -n 20 "$payloads/flat" >"$BATS_TEST_TMPDIR/some"
	arrive "$BATS_TEST_TMPDIR/some" \
		"! for f in \$(ls -d $payloads/pretty/* | head -n 20); do curl -sf --data-binary @\$f \$http/v1/tenants/t/updates; done"
}

@test "through a pipe from one server to another" {
	start_wsd --history-count 10000 --history-size 64M
	"$BIN/wspub" -u "$url" -f "$payloads/lines" t
	started+=("$wsd") # for teardown; arrive starts another one
	first=$url
	arrive "$payloads/lines" \
		"! $BIN/wssub -u $first --since all -c $count t | $BIN/wspub -u \$url t"
}
