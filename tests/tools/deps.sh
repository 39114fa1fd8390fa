#!/bin/sh
# Installs what a part of the project needs and this machine has not: Debian
# packages, and for tests and bench the packages of package-lock.json.
#
#   deps.sh [--check] build|demo|test|fuzz|lint|bench
#
# --check only says what is missing and fails then. With DEPS=skip in the
# environment it does nothing: for those who manage packages themselves.
set -eu
cd "$(dirname "$0")/../.."

# Lines "probe name package"; the package is missing when neither dpkg has it
# nor the probe finds it.
needs() {
	case $1 in
	build)
		echo cmd cc gcc
		echo cmd pkg-config pkg-config
		echo lib libwebsockets libwebsockets-dev
		echo lib libuv libuv1-dev
		echo lib hiredis libhiredis-dev
		echo lib libssl libssl-dev
		echo deb - libwebsockets-evlib-uv
		;;
	demo)
		needs build
		echo cmd jq jq
		;;
	test)
		needs build
		echo cmd bats bats
		echo cmd chromium chromium
		echo cmd curl curl
		echo cmd jq jq
		echo cmd mandoc mandoc
		echo cmd openssl openssl
		echo cmd ps procps
		echo py websocket python3-websocket
		echo py websockets python3-websockets
		echo cmd script bsdutils
		echo cmd node nodejs
		echo cmd npm npm
		echo cmd openssl openssl
		echo cmd redis-check-rdb redis-tools # the server itself, by its other name
		;;
	fuzz)
		needs build
		echo cmd clang clang
		echo deb - libclang-rt-dev
		;;
	lint)
		needs build
		echo cmd clang clang
		echo cmd clang-format clang-format
		echo cmd cppcheck cppcheck
		echo cmd ctags universal-ctags
		echo cmd mandoc mandoc
		echo cmd shellcheck shellcheck
		;;
	bench)
		needs build
		echo cmd chromium chromium
		echo cmd curl curl
		echo cmd openssl openssl
		echo cmd jq jq
		echo cmd c++ g++
		echo lib simdjson libsimdjson-dev
		echo lib yajl libyajl-dev
		echo cmd node nodejs
		echo cmd npm npm
		echo cmd redis-check-rdb redis-tools
		;;
	*)
		echo "deps.sh: unknown part '$1'" >&2
		return 2
		;;
	esac
}

found() {
	case $1 in
	cmd) command -v "$2" >/dev/null 2>&1 ;;
	lib) pkg-config --exists "$2" 2>/dev/null ;;
	py) /usr/bin/python3 -c "import $2" 2>/dev/null ;;
	deb) ! command -v dpkg-query >/dev/null 2>&1 ;; # elsewhere: no way to tell
	esac
}

installed() {
	dpkg-query -W -f '${Status}' "$1" 2>/dev/null |
		grep -q '^install ok installed$'
}

missing() {
	needs "$1" | while read -r probe name package; do
		found "$probe" "$name" || installed "$package" ||
			printf ' %s' "$package"
	done
}

apt() {
	${sudo-} env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -o DPkg::Lock::Timeout=120 "$@"
}

# The package lists are fetched only when they do not know a package, or know
# one that is not there any more.
install_debian() {
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null 2>&1 || {
			echo "deps.sh: not root and no sudo; as root, please run" \
				"'apt-get install$1'" >&2
			return 1
		}
		sudo=sudo
	fi
	echo "deps.sh: installing the Debian packages:$1"
	# shellcheck disable=SC2086 # a list of words
	set -- $1
	known=yes
	for package in "$@"; do
		apt-cache show "$package" >/dev/null 2>&1 || known=no
	done
	if [ $known = no ]; then
		apt update
	fi
	apt install -y --no-install-recommends "$@" || {
		apt update
		apt install -y --no-install-recommends "$@"
	}
}

# The package of a server would also start it, so nginx is only unpacked.
download_nginx() (
	mkdir -p build/deb
	cd build/deb
	rm -f nginx_*.deb
	apt-get -q download nginx && dpkg-deb -x nginx_*.deb .
)

unpack_nginx() {
	if [ -x build/deb/usr/sbin/nginx ] || [ -x /usr/sbin/nginx ] ||
		command -v nginx >/dev/null 2>&1 ||
		! command -v apt-get >/dev/null 2>&1; then
		return 0
	fi
	echo "deps.sh: unpacking nginx into build/deb"
	download_nginx || { apt update && download_nginx; } || {
		echo "deps.sh: no nginx; DEPS=skip goes on without" >&2
		return 1
	}
}

# Whether node_modules is what package-lock.json says.
npm_current() {
	[ -e node_modules/.package-lock.json ] &&
		[ -n "$(find node_modules/.package-lock.json \
			-newer package-lock.json)" ] &&
		[ -x node_modules/.bin/bun ]
}

# Of all scripts of packages only that of bun is run, which puts its program
# where it belongs. There are systems on which it does not run.
install_npm() {
	if npm_current; then
		return 0
	fi
	echo "deps.sh: installing into node_modules what package.json names"
	npm ci --include=dev --include=optional --ignore-scripts \
		--no-audit --no-fund || {
		echo "deps.sh: npm failed; DEPS=skip goes on without" >&2
		return 1
	}
	npm rebuild bun || echo "deps.sh: no bun; its tests are left out" >&2
}

check=no
if [ "${1-}" = --check ]; then
	check=yes
	shift
fi
part=${1:?usage: deps.sh [--check] build|demo|test|fuzz|lint|bench}
needs "$part" >/dev/null
[ "${DEPS-}" != skip ] || exit 0

packages=$(missing "$part")
if [ -n "$packages" ] && [ $check = yes ]; then
	echo "Missing Debian packages:$packages" >&2
	echo "'tests/tools/deps.sh $part' installs them, as does 'make demo'" \
		"(DEPS=skip: go on without this check)." >&2
	exit 1
elif [ -n "$packages" ] && ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: this is not Debian; please install what there is" \
		"called:$packages" >&2
	echo "deps.sh: then run again, or with DEPS=skip" >&2
	exit 1
elif [ -n "$packages" ]; then
	install_debian "$packages"
fi
case $check$part in
notest)
	install_npm
	unpack_nginx
	;;
nobench) install_npm || echo "deps.sh: the bench goes on without the sketch" >&2 ;;
esac
