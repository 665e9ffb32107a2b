#!/bin/sh
# Installs what the tests need and this machine lacks, with the platform's own
# package manager, and says so. It fails where it can't: the tests never pass by
# leaving out what they need.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }

postgres_bin() {
	for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
		[ -x "$d/initdb" ] && return 0
	done
	have initdb
}

chromium_bin() {
	have chromium || have chromium-browser || have google-chrome || have google-chrome-stable ||
		[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || [ -n "${QUAYWATCH_CHROMIUM:-}" ]
}

missing=""
chromium_bin || missing="$missing chromium"
postgres_bin || [ -n "${QUAYWATCH_TEST_POSTGRES:-}" ] || missing="$missing postgresql"
have cc || have gcc || have clang || missing="$missing c-compiler"
[ -n "$missing" ] || exit 0

echo "needs: this machine lacks$missing; installing with the platform's package manager" >&2
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"

if have apt-get; then
	packages=$(echo "$missing" | sed 's/c-compiler/gcc libc6-dev/')
	$as_root apt-get update -qq
	# the test starts its own throw-away cluster: no service is wanted
	DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $packages
elif have dnf; then
	packages=$(echo "$missing" | sed 's/postgresql/postgresql-server/; s/c-compiler/gcc/')
	$as_root dnf install -y $packages
elif have pacman; then
	packages=$(echo "$missing" | sed 's/c-compiler/gcc/')
	$as_root pacman -S --noconfirm --needed $packages
elif have apk; then
	packages=$(echo "$missing" | sed 's/postgresql/postgresql postgresql-contrib/; s/c-compiler/gcc musl-dev/')
	$as_root apk add $packages
elif have brew; then
	for p in $missing; do
		case $p in
		chromium) brew install --cask chromium ;;
		postgresql) brew install postgresql@16 ;;
		*) xcode-select --install ;;
		esac
	done
else
	echo "needs: no package manager that this script knows (apt, dnf, pacman, apk, brew): install$missing by hand" >&2
	exit 1
fi

chromium_bin || { echo "needs: chromium is still missing" >&2; exit 1; }
postgres_bin || [ -n "${QUAYWATCH_TEST_POSTGRES:-}" ] || { echo "needs: a PostgreSQL server is still missing" >&2; exit 1; }
