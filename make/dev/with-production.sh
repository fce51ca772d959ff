#!/usr/bin/env bash
# with-production.sh COMMAND...: runs the command beside a Core and a JobService of
# their own, over the PostgreSQL and the Redis of with-services.sh, and stops them
# afterwards. The command finds them in the variables of with-standalone.sh.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }
[ -n "${TEST_POSTGRES_URL:-}" ] && [ -n "${TEST_REDIS_ADDR:-}" ] || { echo "$0: run it in with-services.sh" >&2; exit 2; }

folder=$(mktemp -d)
started=()
stop() {
	for process in "${started[@]}"; do
		kill "$process" 2>/dev/null || true
		wait "$process" || true
	done
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() { # asks the kernel for a free port
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0")->sockport'
}
start() { # start SHAPE ADDRESS: returns once it is ready
	(cd "$folder" && exec "$program" "$1") >"$folder/$1.log" 2>&1 &
	started+=($!)
	until curl -fsS -o /dev/null "http://$2/readyz" 2>/dev/null; do
		kill -0 "${started[-1]}" 2>/dev/null || { cat "$folder/$1.log" >&2; exit 1; }
		read -rt 0.1 <> <(:) || true
	done
}

program=$PWD/bin/harborhook
core="127.0.0.1:$(free_port)"
jobservice="127.0.0.1:$(free_port)"
export CONTRACT_URL="http://$core" CONTRACT_PASSWORD=Passw0rd-of-contracts CONTRACT_TOKEN=token-of-the-contract-tests-0123456789
export HARBORHOOK_DATABASE_URL="$TEST_POSTGRES_URL" HARBORHOOK_REDIS_URL="redis://$TEST_REDIS_ADDR" \
	HARBORHOOK_SECRET=secret-of-the-contract-tests-0123456789 HARBORHOOK_ENCRYPTION_KEY="$(head -c 32 /dev/urandom | base64)" \
	HARBORHOOK_CORE_ADDR="$core" HARBORHOOK_JOBSERVICE_ADDR="$jobservice" HARBORHOOK_JOBSERVICE_URL="http://$jobservice" \
	HARBORHOOK_EXTERNAL_REGISTRY=registry.example.com HARBORHOOK_NOTIFICATION_TOKEN="$CONTRACT_TOKEN" \
	HARBORHOOK_COMPONENT_TOKEN=component-token-of-the-contract-tests HARBORHOOK_ADMIN_PASSWORD="$CONTRACT_PASSWORD" \
	HARBORHOOK_ALLOWED_NETWORKS=loopback,private
start core "$core"
start jobservice "$jobservice"

"$@"
