#!/usr/bin/env bats
# The examples beside the unit of wsd (see systemd.bats): that of redis2ws, and
# both behind nginx.
# shellcheck disable=SC2154 # what start_wsd, start_redis and run set

load helper
load redis
load nginx

bats_require_minimum_version 1.5.0

unit=$examples/systemd/redis2ws.service

setup() {
	T=$BATS_TEST_TMPDIR
}

# directive NAME: the values that the unit of redis2ws gives it.
directive() {
	sed -n "s/^$1=//p" "$unit"
}

@test "the command of the unit of redis2ws works" {
	local command

	[[ $(directive LoadCredential) == redis-password:/etc/wsd/redis-password ]]
	printf 'secret\n' >"$T/redis-password"
	chmod 400 "$T/redis-password"
	start_wsd
	start_redis --requirepass secret
	read -ra command <<<"$(directive ExecStart | sed "
		s|/usr/local/bin/|$BIN/|
		s|/etc/wsd/|$examples/systemd/|
		s|%d|$T|")"
	mkfifo "$T/bridged"
	exec 4<>"$T/bridged"
	start "${command[@]}" -u "$url" --redis "unix:$redis_socket" -c 1 \
		--ready-fd 4
	read -r -t 20 _ <&4
	cli -a secret --no-auth-warning publish job_updates \
		'{"tenantId":"tenant-1","done":true}'
	wait "$PID"
	[[ $("$BIN/wssub" -u "$url" --since all -c 1 tenant-1) == '{"done":true}' ]]
}

@test "the unit of redis2ws starts it again when that may help" {
	[[ $(directive Restart) == on-failure ]]
	[[ $(directive StartLimitIntervalSec) == 0 ]]
	[[ $(directive RestartPreventExitStatus) == '2 4' ]]
	# It could not connect: yes.
	run -3 "$BIN/redis2ws" --channel c -u ws://127.0.0.1:1/ws
	# What is wrong stays wrong, and so does a missing password: no.
	run -2 "$BIN/redis2ws"
	start_wsd
	start_redis --requirepass secret
	run -4 "$BIN/redis2ws" --channel c -u "$url" --redis "unix:$redis_socket"
}

@test "the wsd of redis2ws.json is that of wsd.json" {
	jq -e '.url == "ws://localhost:3000/ws" and .channel == ["job_updates"]
		and (.redis | contains("@") | not)' \
		"$examples/systemd/redis2ws.json"
	"$BIN/wsd" --config "$examples/systemd/wsd.json" --print-config |
		jq -e '.listen == ["localhost:3000"]'
}

@test "behind nginx updates arrive" {
	behind_nginx 's|allow 127.0.0.1;|allow unix:;|'
	"$BIN/wspub" -u "$url" tenant-1 '{"done":true}'
	[[ $("$BIN/wssub" -u "ws+unix:$T/nginx:/ws" --since all -c 1 -W 20 \
		tenant-1) == '{"done":true}' ]]
}

@test "behind nginx the pages of the origins in wsd.json are let in" {
	behind_nginx 's|allow 127.0.0.1;|allow unix:;|'
	opens -H 'Origin: https://app.example.com'
	[[ $(answer /ws "${handshake[@]}" \
		-H 'Origin: https://other.example.com') == 403 ]]
}

@test "behind nginx one sees that wsd is ready, and nothing else" {
	behind_nginx 's|allow 127.0.0.1;|allow unix:;|'
	[[ $(answer /readyz) == 200 ]]
	[[ $(answer /v1/tenants/t/updates) == 406 ]]
	for path in / /metrics /v1/tenants /v1/tenants/t /ws/; do
		[[ $(answer "$path") == 404 ]]
	done
}

@test "nginx lets in whom its configuration allows" {
	behind_nginx
	[[ $(answer /ws -m 20 "${handshake[@]}") == 403 ]]
}
