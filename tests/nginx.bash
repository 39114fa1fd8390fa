# shellcheck shell=bash disable=SC2034,SC2154 # what callers and start_wsd set
# A real nginx in front of wsd, as in examples; loaded by `load nginx`. T is the
# directory of the test.

examples=$BATS_TEST_DIRNAME/../examples

# Becomes a program, with a socket that listens on a port of the system's choice
# and that nginx takes over (NGINX); a configuration is told of it in a file.
# FRONT is what else it says there, "ssl" perhaps.
# shellcheck disable=SC2016 # perl's
listen='
	$^F = 255; # descriptors up to this one stay open
	my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
		Listen => 128) or die;
	open(my $file, ">", shift) or die;
	print $file "listen 127.0.0.1:", $socket->sockport, " $ENV{FRONT};\n";
	close($file);
	$ENV{NGINX} = $socket->fileno . ";";
	exec(@ARGV);'

# behind_nginx [SED-COMMAND [OPTION...]]: a wsd as in wsd.json, with these
# options besides, behind an nginx that has examples/nginx/wsd.conf, but for its
# addresses. That listens on $T/nginx, and on 127.0.0.1:$front.
behind_nginx() {
	start_wsd --config "$examples/systemd/wsd.json" \
		--listen 127.0.0.1:0 "${@:2}"
	start_nginx "${1-}"
}

# start_nginx [SED-COMMAND]: that nginx, in front of the wsd that was started
# last.
start_nginx() {
	nginx=$(PATH=$PATH:/usr/sbin:$BATS_TEST_DIRNAME/../build/deb/usr/sbin \
		command -v nginx)
	sed "s|listen 80;.*|listen unix:$T/nginx; include $T/listen;|
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
	FRONT=${front_as-} start perl -MIO::Socket::INET -e "$listen" \
		"$T/listen" "$nginx" -e stderr -p "$T" -c "$T/nginx.conf" \
		2>"$T/nginx.err" 6<&-
	exec 5<"$T/nginx.err" 6<&-
	nginx_says '*start worker processes*'
	front=$(sed -E 's/.*:([0-9]+) .*/\1/' "$T/listen")
}

# nginx_says PATTERN: reads its log up to a line that matches, which is `line`.
nginx_says() {
	while IFS= read -r -t 20 line <&5; do
		echo "nginx: $line"
		# shellcheck disable=SC2053 # it is a pattern
		[[ $line != $1 ]] || return 0
	done
	return 1
}

# reload: has it read its configuration anew.
reload() {
	"$nginx" -e stderr -p "$T" -c "$T/nginx.conf" -s reload 5<&-
	nginx_says '*gracefully shutting down*'
}

# ask PATH [OPTION...]: a request, as from elsewhere; $from is the address that
# it comes from, on this machine, or else a Unix socket; $site what it asks.
ask() {
	local way=(--unix-socket "$T/nginx")

	[[ -z ${from-} ]] || way=(--interface "$from"
		--connect-to "::127.0.0.1:$front")
	curl -sN -o /dev/null "${way[@]}" "${@:2}" \
		"${site-http://updates.example.com}$1"
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
	local line head=$T/head.${#started[@]}

	mkfifo "$head"
	exec 6<>"$head" # curl opens it more than once
	start ask /ws "${handshake[@]}" "$@" -D "$head" 6<&-
	IFS= read -r -t 20 line <&6
	exec 6<&-
	[[ $line == 'HTTP/1.1 101 '* ]]
}
