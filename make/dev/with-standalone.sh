#!/usr/bin/env bash
# with-standalone.sh COMMAND...: runs the command beside a bin/harborhook of its
# own, on free ports and in a temporary folder, and stops it afterwards. The command
# finds it in CONTRACT_URL, CONTRACT_PASSWORD (admin's) and CONTRACT_TOKEN (the
# notification token).
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND..." >&2; exit 2; }

folder=$(mktemp -d)
stop() {
	if [ -n "${server:-}" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" || true
	fi
	rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() { # asks the kernel for a free port
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1:0")->sockport'
}

addr="127.0.0.1:$(free_port)"
export CONTRACT_URL="http://$addr" CONTRACT_PASSWORD=Passw0rd-of-contracts CONTRACT_TOKEN=token-of-the-contract-tests-0123456789
HARBORHOOK_CORE_ADDR="$addr" HARBORHOOK_JOBSERVICE_ADDR="127.0.0.1:$(free_port)" HARBORHOOK_REGISTRY_ADDR="127.0.0.1:$(free_port)" \
	HARBORHOOK_ADMIN_PASSWORD="$CONTRACT_PASSWORD" HARBORHOOK_NOTIFICATION_TOKEN="$CONTRACT_TOKEN" \
	bin/harborhook standalone --data-dir "$folder/data" >"$folder/log" 2>&1 &
server=$!
until curl -fsS -o /dev/null "$CONTRACT_URL/readyz" 2>/dev/null; do
	kill -0 "$server" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
	read -rt 0.1 <> <(:) || true
done

"$@"
