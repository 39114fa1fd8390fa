#!/usr/bin/env bats
# The examples beside the unit of wsd (see systemd.bats): that of redis2ws, and
# both behind nginx.
# shellcheck disable=SC2154 # what start_wsd, start_redis and run set

load helper
load redis

bats_require_minimum_version 1.5.0

examples=$BATS_TEST_DIRNAME/../examples
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

# behind_nginx [SED-COMMAND]: a wsd as in wsd.json, behind an nginx that has
# examples/nginx/wsd.conf, but for its addresses, and listens on $T/nginx.
behind_nginx() {
	local nginx

	nginx=$(PATH=$PATH:/usr/sbin:$BATS_TEST_DIRNAME/../build/deb/usr/sbin \
		command -v nginx) || skip 'no nginx'
	start_wsd --config "$examples/systemd/wsd.json" \
		--listen 127.0.0.1:0
	sed "s|listen 80;.*|listen unix:$T/nginx;|
		s|server 127.0.0.1:3000;|server ${http#http://};|
		${1-}" "$examples/nginx/wsd.conf" >"$T/wsd.conf"
	cat >"$T/nginx.conf" <<-END
		daemon off;
		user root;
		pid $T/nginx.pid;
		error_log stderr notice;
		events {}
		http {
			access_log off;
			client_body_temp_path $T/body;
			proxy_temp_path $T/proxy;
			fastcgi_temp_path $T/fastcgi;
			uwsgi_temp_path $T/uwsgi;
			scgi_temp_path $T/scgi;
			include $T/wsd.conf;
		}
	END
	mkfifo "$T/nginx.err"
	exec 6<>"$T/nginx.err"
	start "$nginx" -e stderr -p "$T" -c "$T/nginx.conf" 2>"$T/nginx.err" 6<&-
	exec 5<"$T/nginx.err" 6<&-
	while IFS= read -r -t 20 line <&5; do
		echo "$line"
		[[ $line != *'start worker processes'* ]] || return 0
	done
	return 1
}

# ask PATH [OPTION...]: a request, as from elsewhere.
ask() {
	curl -sN -o /dev/null --unix-socket "$T/nginx" "${@:2}" \
		"http://updates.example.com$1"
}

# answer PATH [OPTION...]: the status of it.
answer() {
	ask "$@" -w '%{http_code}'
}

handshake=(-H 'Upgrade: websocket' -H 'Connection: Upgrade'
	-H 'Sec-WebSocket-Version: 13'
	-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')

# opens [OPTION...]: fails when the handshake does. The connection stays.
opens() {
	local line

	mkfifo "$T/head"
	exec 6<>"$T/head" # curl opens it more than once
	start ask /ws "${handshake[@]}" "$@" -D "$T/head" 6<&-
	IFS= read -r -t 20 line <&6
	exec 6<&-
	[[ $line == 'HTTP/1.1 101 '* ]]
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
	for path in / /metrics /v1/tenants /v1/tenants/t/updates /ws/; do
		[[ $(answer "$path") == 404 ]]
	done
}

@test "nginx lets in whom its configuration allows" {
	behind_nginx
	[[ $(answer /ws -m 20 "${handshake[@]}") == 403 ]]
}
