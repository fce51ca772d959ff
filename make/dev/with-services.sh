#!/usr/bin/env bash
# with-services.sh COMMAND...: runs the command beside a PostgreSQL and a Redis of
# its own, on free ports and in a temporary folder, and stops both afterwards.
# The command finds them in TEST_POSTGRES_URL and TEST_REDIS_ADDR.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }

folder=$(mktemp -d)
stop() {
	[ -z "${redis:-}" ] || kill "$redis" 2>/dev/null || true
	[ ! -e "$folder/postgres/postmaster.pid" ] || run_as_owner "$bin/pg_ctl" -D "$folder/postgres" -m immediate -s stop || true
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The newest PostgreSQL that is installed.
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)")

# PostgreSQL refuses to run as root.
owner=
if [ "$(id -u)" -eq 0 ]; then
	owner=postgres
	id "$owner" >/dev/null 2>&1 || owner=nobody
	chown "$owner" "$folder"
fi
run_as_owner() {
	if [ -n "$owner" ]; then
		(cd "$folder" && setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups env HOME="$folder" "$@")
	else
		"$@"
	fi
}

free_port() { # asks the kernel for a free port
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0")->sockport'
}

run_as_owner "$bin/initdb" -D "$folder/postgres" -U postgres -A trust -E UTF8 --no-locale >/dev/null
port=$(free_port)
run_as_owner "$bin/pg_ctl" -D "$folder/postgres" -l "$folder/postgres.log" -w -s \
	-o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c max_connections=400" start ||
	{ cat "$folder/postgres.log" >&2; exit 1; }
export TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable"

port=$(free_port)
redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --maxmemory-policy noeviction --dir "$folder" >"$folder/redis.log" &
redis=$!
until redis-cli -p "$port" ping >/dev/null 2>&1; do
	kill -0 "$redis" 2>/dev/null || { cat "$folder/redis.log" >&2; exit 1; }
	read -rt 0.05 <> <(:) || true
done
export TEST_REDIS_ADDR="127.0.0.1:$port"

"$@"
