#!/usr/bin/env bats
# Options from a file: what it may say, what counts before it, and what wsd does
# when it changes. Every message about its text is in unit/test_configfile.c.
# shellcheck disable=SC2154 # what start_wsd sets

load helper

setup() {
	file=$BATS_TEST_TMPDIR/wsd.json
	export file
}

# A file of this text.
config() {
	printf '%s\n' "$1" >"$file"
}

# refuses WANT ARGUMENT...: wsd does not start, with exit 2, and this is all
# that it says.
refuses() {
	local want=$1
	shift
	run "$BIN/wsd" "$@"
	echo "$output"
	[[ $status == 2 && $output == "wsd: $want" ]]
}

# start_with TEXT [OPTION...]: a wsd with a file of this text.
start_with() {
	config "$1"
	start_wsd --listen 127.0.0.1:0 --config "$file" "${@:2}"
}

# Waits until wsd has said this.
until_said() {
	until grep -qxF "wsd: $1" "$wsd_log"; do
		again
	done
}

# reload TEXT LINE: with a file of this text; LINE is the last that it says.
reload() {
	config "$1"
	: >"$wsd_log"
	kill -HUP "$wsd"
	until_said "$2"
}

# status [OPTION...]: of what curl gets from wsd.
status() {
	curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "$@" "$http/healthz"
}

# For the commands in scripts.
export -f config reload until_said

@test "what is wrong in a file is said with its place, and ends wsd with 2" {
	config '{
  "history-age": "10x"
}'
	refuses "'$file', line 2, column 18: history-age: '10x' is not a duration (such as 500ms or 10m)" \
		--config "$file"
	config '{"histroy-age": "10m"}'
	refuses "'$file', line 1, column 2: there is no option 'histroy-age'; did you mean 'history-age'?" \
		--config "$file"
	config '{"host": ["a.com", "b.com/"]}'
	refuses "'$file', line 1, column 20: host: 'b.com/': not a host as in example.com, example.com:8080 or [2001:db8::1]" \
		--config "$file"
	config '{"listen": "3000"}'
	refuses "'$file', line 1, column 12: listen: '3000': :PORT is missing (as in 127.0.0.1:3000)" \
		--config "$file"
	config '{"ready-fd": 3}'
	refuses "'$file', line 1, column 2: --ready-fd is an option for the command line alone" \
		--config "$file"
	config '{"config": "x"}'
	refuses "'$file', line 1, column 2: --config is an option for the command line alone" \
		--config "$file"
	config '{"check-config": true}'
	refuses "'$file', line 1, column 2: --check-config is an option for the command line alone" \
		--config "$file"
	config '{} // done'
	refuses "'$file', line 1, column 4: something follows the document (JSON has no comments)" \
		--config "$file"
}

@test "a file that cannot be read is said" {
	refuses "cannot read '$file': No such file or directory" --config "$file"
	refuses "cannot read '/': Is a directory" --config /
	refuses "cannot read '/dev/zero': it is above 1 MiB" --config /dev/zero
}

@test "--config belongs to every program" {
	config '{"qiuet": true}'
	for p in wspub wssub wsbench; do
		run "$BIN/$p" --config "$file" t
		[[ $status == 2 ]]
		[[ $output == "$p: '$file', line 1, column 2: there is no option 'qiuet'; did you mean 'quiet'?" ]]
	done
	config '{"count": 1, "timeout": "20s"}'
	start_wsd
	"$BIN/wspub" -u "$url" --config "$file" t 1
	[[ $("$BIN/wssub" -u "$url" --config "$file" --since all t) == 1 ]]
	config "{\"url\": \"$url\", \"duration\": \"100ms\", \"json\": true}"
	WSD_URL='' "$BIN/wsbench" --config "$file" | jq -e '.updates > 0'
}

@test "the command line counts before the file, the file before the environment" {
	config '{"url": "ws://127.0.0.1:1/ws", "no-reconnect": true}'
	start_wsd
	export WSD_URL=$url
	run "$BIN/wssub" --config "$file" -c1 t
	[[ $status == 3 && $output == *"'ws://127.0.0.1:1/ws'"* ]]
	"$BIN/wspub" t 1
	[[ $("$BIN/wssub" --config "$file" -u "$url" -c1 --since all t) == 1 ]]
}

@test "a list, a tally or a number on the command line takes the place of the file's" {
	config '{"host": ["a.com", "b.com"], "verbose": 2, "history-count": 5}'
	run "$BIN/wsd" --print-config --host c.com -v --config "$file" --history-count 7
	[[ $status == 0 ]]
	jq -e '.host == ["c.com"] and .verbose == 1 and ."history-count" == 7' \
		<<<"$output"
	run "$BIN/wsd" --print-config --config "$file"
	jq -e '.host == ["a.com", "b.com"] and .verbose == 2' <<<"$output"
}

@test "--check-config is silent when all is well, else it exits 2" {
	config '{"listen": ["localhost:1", "unix:/no/such/dir/s"], "max-message": "4M"}'
	run "$BIN/wsd" --check-config --config "$file"
	[[ $status == 0 && $output == "" ]]
	run "$BIN/wsd" --check-config --config "$file" --max-frame 4M
	[[ $status == 2 && $output == *"--max-frame: 4 MiB are too few"* ]]
	config '{"listen": "0.0.0.0:0"}'
	run "$BIN/wsd" --check-config --config "$file"
	[[ $status == 2 && $output == *"'0.0.0.0:0': not a loopback address"* ]]
	config '{"listen": "0.0.0.0:0", "no-access-control": true}'
	"$BIN/wsd" --check-config --config "$file"
	run "$BIN/wsd" --check-config x
	[[ $status == 2 && $output == *"unexpected operand 'x'"* ]]
}

@test "--check-config opens nothing" {
	start_wsd
	"$BIN/wsd" --check-config --listen "${http#http://}"
	"$BIN/wsd" --check-config --listen "unix:$BATS_TEST_TMPDIR/s"
	[ ! -e "$BATS_TEST_TMPDIR/s" ]
}

# rows: the options of --help that have a place in a file.
rows() {
	"$BIN/wsd" --help | sed -nE 's/^ +(-[A-Za-z], )?--([a-z-]+).*/\2/p' |
		grep -vxE 'ready-fd|check-config|print-config|config|help|version|completion' |
		grep -vxE 'jwt-aud|jwt-iss|tenant-claim|auth-failures|tls-cert|tls-key' # no default
}

@test "--print-config prints every option, a line each, in the order of --help" {
	"$BIN/wsd" --print-config >"$file"
	diff <(rows) <(sed -nE 's/^  "([a-z-]+)": .*/\1/p' "$file")
	jq -e '.listen == ["localhost:3000"] and ."history-age" == "10m" and
		."max-frame" == "2M" and .quiet == false' "$file"
}

@test "what is printed is taken back, and is the same then" {
	"$BIN/wsd" --print-config >"$file"
	"$BIN/wsd" --config "$file" --print-config | diff "$file" -
	options=(--listen unix:/a/b --listen '[::1]:0' --host a.com --origin http://b.com:8080
		--no-access-control --history-count 0 --history-size 1500
		--history-age 90s --max-lag 3G --max-message 100k --sndbuf 5000
		--drain-timeout 1500ms -vv -q --ready-fd 1)
	"$BIN/wsd" "${options[@]}" --print-config >"$file"
	grep -qxF '  "history-age": "90s",' "$file"
	grep -qxF '  "history-size": "1500",' "$file"
	grep -qxF '  "listen": ["unix:/a/b", "[::1]:0"],' "$file"
	"$BIN/wsd" --config "$file" --print-config | diff "$file" -
	"$BIN/wsd" --config <(cat "$file") --print-config | diff "$file" -
}

@test "the file that the manual shows is right" {
	sed -n '/^\.Sh CONFIGURATION FILE/,/^\.Ed/p' \
		"$BATS_TEST_DIRNAME/../man/wsd.8" | grep -v '^\.' |
		sed -n '/^{/,/^}/p' >"$file"
	jq -e 'length > 3' "$file"
	"$BIN/wsd" --config "$file" --check-config
}

@test "a configuration that cannot be printed exits 1" {
	run bash -c '"$1/wsd" --print-config >/dev/full' _ "$BIN"
	[[ $status == 1 ]]
	[[ $output == "wsd: cannot print the configuration: No space left on device" ]]
	run "$BIN/wsd" --print-config --listen $'unix:/\xff'
	[[ $status == 1 && $output == "wsd: cannot print the configuration: "* ]]
}

@test "SIGHUP says what has changed, and the history is cut" {
	start_with '{"history-age": "10m"}'
	for i in {1..9}; do echo "$i"; done | "$BIN/wspub" -u "$url" t
	reload '{"history-age": "5m", "history-count": 2}' 'history-age: 10m -> 5m'
	diff - "$wsd_log" <<-END
		wsd: history-count: 1000 -> 2
		wsd: history-age: 10m -> 5m
	END
	"$BIN/wspub" -u "$url" t 10
	[[ $("$BIN/wssub" -u "$url" --since all -c 2 t | xargs) == "9 10" ]]
	reload '{"history-age": "5m", "history-count": 2}' \
		'the configuration has not changed'
	reload '{}' 'history-age: 5m -> 10m'
}

@test "SIGHUP changes hosts and origins" {
	start_with '{"host": "a.com"}'
	[[ $(status -H 'Host: a.com') == 200 ]]
	[[ $(status -H 'Host: b.com') == 403 ]]
	reload '{"host": ["b.com"], "origin": ["https://c.com"]}' \
		'origin: [] -> ["https://c.com"]'
	grep -qxF 'wsd: host: ["a.com"] -> ["b.com"]' "$wsd_log"
	[[ $(status -H 'Host: b.com' -H 'Origin: https://c.com') == 200 ]]
	[[ $(status -H 'Host: a.com') == 403 ]]
	reload '{}' 'origin: ["https://c.com"] -> []'
	[[ $(status -H 'Origin: https://c.com') == 403 ]]
	curl -sf "$http/healthz"
}

@test "SIGHUP changes limits; connections that come are told the new ones" {
	start_with '{"max-subscriptions": 2}'
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME","limits":{"message":1048576,"frame":2097152,"subscriptions":2}}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"a"}
		a recv {"type":"SUBSCRIBED","id":1}
		a send {"type":"SUBSCRIBE","id":2,"tenantId":"b"}
		a recv {"type":"SUBSCRIBED","id":2}
		! reload '{"max-message": 100, "max-frame": "5k", "max-subscriptions": 3}' 'max-subscriptions: 2 -> 3'
		a send {"type":"SUBSCRIBE","id":3,"tenantId":"c"}
		a recv {"type":"SUBSCRIBED","id":3}
		a send {"type":"SUBSCRIBE","id":4,"tenantId":"d"}
		a recv {"type":"ERROR","id":4,"code":"TOO_MANY_SUBSCRIPTIONS"}
		a send {"type":"PUBLISH","id":5,"tenantId":"z","data":"%x100%"}
		a recv {"type":"ERROR","id":5,"code":"TOO_LARGE"}
		a send {"type":"PUBLISH","id":6,"tenantId":"z","data":1}%nl%%x6000%
		a recv {"type":"ERROR","line":2,"code":"BAD_JSON"}
		a recv {"type":"ACK","id":6}
		b open wsd.v1
		b recv {"type":"WELCOME","limits":{"message":100,"frame":5120,"subscriptions":3}}
		b send {"type":"PUBLISH","id":1,"tenantId":"z","data":1}%nl%%x6000%
		b closed 1009
		b end
		! reload '{"max-tenants": 4}' 'max-tenants: 100000 -> 4'
		a send {"type":"PUBLISH","id":7,"tenantId":"z","data":"%x5000%"}
		a recv {"type":"ACK","id":7}
		a idle
	END
}

@test "SIGHUP changes --max-lag for those who are behind" {
	start_with '{"history-size": 1, "sndbuf": "4k"}'
	raw <<-'END'
		a open wsd.v1
		a recv {"type":"WELCOME"}
		a send {"type":"SUBSCRIBE","id":1,"tenantId":"t"}
		a recv {"type":"SUBSCRIBED"}
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! reload '{"history-size": 1, "sndbuf": "4k", "max-lag": "10k"}' 'max-lag: 16M -> 10k'
		p send {"type":"PUBLISH","id":101,"tenantId":"t","data":1}
		p recv {"type":"ACK","id":101}
		a resume
		a finally 4108
		a end
	END
}

@test "SIGHUP changes --drain-timeout and how much is said" {
	start_with '{"sndbuf": "4k", "drain-timeout": "1h"}'
	raw <<-'END'
		a open
		a send {"type":"SUBSCRIBE","tenantId":"t"}
		a idle
		a pause
		p open wsd.v1.bulk
		p recv {"type":"WELCOME"}
		repeat 100 p send {"type":"PUBLISH","id":%n%,"tenantId":"t","data":"%x9000%"}
		p until {"type":"ACK","id":100}
		! reload '{"sndbuf": "4k", "drain-timeout": "200ms", "verbose": 1}' 'verbose: 0 -> 1'
		! kill -TERM $wsd
		p recv {"type":"DRAIN"}
		p closed 4200
		p end
		! tail --pid=$wsd -f /dev/null
	END
	wsd_ends 0
	grep -qxF "wsd: shutting down: 2 connections to close" "$wsd_log"
	grep -q "1 connections did not take their leave" "$wsd_log"
}

@test "SIGHUP says what a restart would change, each time, and stays as it was" {
	config '{"listen": "127.0.0.1:0"}'
	start_wsd --config "$file"
	for i in 1 2; do
		reload '{"listen": "unix:/x", "no-access-control": true, "sndbuf": "4k"}' \
			'sndbuf: 256k -> 4k only after a restart'
		diff - "$wsd_log" <<-END
			wsd: listen: ["127.0.0.1:0"] -> ["unix:/x"] only after a restart
			wsd: no-access-control: false -> true only after a restart
			wsd: sndbuf: 256k -> 4k only after a restart
		END
	done
	curl -sf "$http/healthz"
	reload '{"listen": "127.0.0.1:0"}' 'the configuration has not changed'
}

@test "a file that has become wrong is said, and nothing changes" {
	start_with '{"host": "a.com", "history-count": 3}'
	: >"$wsd_log"
	config '{"host": "b.com", "history-count": "x"}'
	kill -HUP "$wsd"
	until_said 'the configuration stays as it was'
	diff - "$wsd_log" <<-END
		wsd: '$file', line 1, column 36: history-count: 'x' is not a number
		wsd: the configuration stays as it was
	END
	[[ $(status -H 'Host: a.com') == 200 ]]
	: >"$wsd_log"
	rm "$file"
	kill -HUP "$wsd"
	until_said 'the configuration stays as it was'
	grep -qxF "wsd: cannot read '$file': No such file or directory" "$wsd_log"
	reload '{"max-message": "4M", "max-frame": "4M"}' \
		'the configuration stays as it was'
	[[ $(status -H 'Host: a.com') == 200 ]]
	reload '{"history-count": 4}' 'history-count: 3 -> 4'
	[[ $(status -H 'Host: a.com') == 403 ]]
}

@test "the same as JSON, and with -q: one line each, of the log" {
	start_with '{"log-format": "json", "quiet": true}'
	: >"$wsd_log"
	config '{"log-format": "json", "ping": "2m"}'
	kill -HUP "$wsd"
	until [[ $(grep -c config_refused "$wsd_log") == 2 ]]; do
		again
	done
	config '{"log-format": "json", "host": 1}'
	kill -HUP "$wsd"
	until [[ $(grep -c config_refused "$wsd_log") == 4 ]]; do
		again
	done
	diff <(jq -r 'keys - ["time"] | join(" ")' "$wsd_log") <(yes \
		'event level message' | head -n 4)
	diff - <(jq -r '"\(.level): \(.message)"' "$wsd_log") <<-END
		error: --dead-after must be longer than --ping, as a ping must be answered
		error: the configuration stays as it was
		error: '$file', line 1, column 32: host: a number is not a string or an array of strings
		error: the configuration stays as it was
	END
}

@test "what the command line says stays when the file changes" {
	start_with '{"history-count": 3}' --history-count 5 --host a.com
	reload '{"history-count": 4, "host": "b.com", "keys": 7}' 'keys: 1000000 -> 7'
	diff - "$wsd_log" <<<'wsd: keys: 1000000 -> 7'
	[[ $(status -H 'Host: a.com') == 200 ]]
}

@test "without --config SIGHUP says that there is nothing to reload" {
	start_wsd
	kill -HUP "$wsd"
	until_said 'nothing to reload: there is no --config'
	curl -sf "$http/healthz"
}

@test "a file that is a pipe is read once" {
	mkfifo "$file"
	echo '{"host": "a.com"}' >"$file" 3>&- &
	start_wsd --listen 127.0.0.1:0 --config "$file"
	kill -HUP "$wsd"
	until_said "nothing to reload: '$file' is no regular file"
	[[ $(status -H 'Host: a.com') == 200 ]]
}

@test "SIGHUP hundreds of times, under load" {
	start_with '{"history-count": 10}'
	start "$BIN/wsbench" -u "$url" --subscribers 20 --duration 20s
	for i in {1..150}; do
		reload "{\"history-count\": $((i % 2 + 1)), \"listen\": \"unix:/$i\"}" \
			"history-count: $([[ $i == 1 ]] && echo 10 || echo $(((i - 1) % 2 + 1))) -> $((i % 2 + 1))"
	done
	curl -sf "$http/healthz"
}
