#!/usr/bin/env bash
# Installs what the tests need beside Go: PostgreSQL, Redis, a registry, skopeo, buildah,
# Chromium and shells. Does nothing when all of it is there. Starts no service.
set -euo pipefail

missing=()
need() { # need PACKAGE COMMAND...: any of the commands will do
	local package=$1 command
	shift
	for command in "$@"; do
		if command -v "$command" >/dev/null 2>&1 || compgen -G "$command" >/dev/null; then return; fi
	done
	missing+=("$package")
}
need gcc gcc                                           # the race detector needs cgo
need libc6-dev /usr/include/stdlib.h
need postgresql '/usr/lib/postgresql/*/bin/initdb' initdb
need redis-server redis-server
need docker-registry docker-registry
need skopeo skopeo
need chromium chromium
need openssl openssl # docs/production.md
need curl curl
need ca-certificates /etc/ssl/certs/ca-certificates.crt # the image
need systemd systemd-analyze # what it says of the units
need buildah buildah
need bash-completion /usr/share/bash-completion/bash_completion
need zsh zsh # completion
need fish fish
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "These programs are missing, and this is no Debian or Ubuntu where they could be installed: ${missing[*]}" >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "These packages are missing; install them as root: apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

echo "Installing ${missing[*]}" >&2
# Packages start their services when they are installed. A policy forbids that
# for this run, unless the system has one of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
	"${as_root[@]}" chmod 0755 "$policy"
	trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
