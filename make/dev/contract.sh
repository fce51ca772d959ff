#!/usr/bin/env bash
# contract.sh: runs the clients of Harbor 2 against the server in CONTRACT_URL. They
# are modules of their own, which are downloaded the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."
for module in tests/contract tests/contract/mittwald; do
	timeout 5m go -C "$module" test -count=1 ./...
done
