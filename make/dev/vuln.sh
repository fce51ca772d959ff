#!/usr/bin/env bash
# vuln.sh: asks Go's vulnerability database about what the code calls. It fails on a
# finding that docs/security.md does not explain.
#
# The database is the live one, or where that cannot be reached, the one that the
# module golang.org/x/vulndb had at the version below. If neither can be had, it says
# so and does not fail: that is no finding.
set -euo pipefail
cd "$(dirname "$0")/../.."

scanner=golang.org/x/vuln/cmd/govulncheck@v1.9.0
vulndb=golang.org/x/vulndb
version=v0.0.0-20261105234957-e22db6528018

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# scan DATABASE-ARGUMENTS...: findings are no failure of the scan.
scan() {
	local code=0
	go run "$scanner" "$@" ./... >"$work/found" 2>"$work/errors" || code=$?
	grep -q -e '^=== Symbol Results ===' -e '^No vulnerabilities found' "$work/found"
}

offline() {
	local sources
	sources=$(go mod download -json "$vulndb@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p') && [ -n "$sources" ] &&
		go run "$vulndb/cmd/indexdb@$version" -vulns "$sources/data/osv" -out "$work/db" &&
		scan -db "file://$work/db"
}

if scan; then
	echo "asked the live database"
elif grep -q 'fetching vulnerabilities' "$work/errors" && echo "the live database cannot be reached; asking the one of $version" && offline 2>"$work/errors.offline"; then
	:
elif grep -q 'fetching vulnerabilities' "$work/errors"; then
	cat "$work/errors" "$work/errors.offline" >&2
	echo "VULNERABILITIES WERE NOT LOOKED FOR: no database can be reached" >&2
	exit 0
else
	cat "$work/found" "$work/errors" >&2
	exit 1
fi

# One line for each finding: its id, and what is to be replaced.
awk '/^Vulnerability #/ { id = $3 }
	/^ *Module: / { print id, $2 }
	/^ *Standard library/ { print id, "standard-library" }' "$work/found" | sort -u >"$work/list"

failed=0
while read -r id what; do
	if grep -q -F "$id" docs/security.md; then
		echo "$id ($what): explained in docs/security.md"
	elif [ "$what" = standard-library ]; then
		echo "$id: in $(go env GOVERSION); a newer Go mends it"
	else
		echo "$id ($what): NOT EXPLAINED"
		failed=1
	fi
done <"$work/list"
if [ "$failed" != 0 ]; then
	# Each finding with the first ways to it.
	grep -v -E '^ +#([4-9]|[0-9]{2,}):' "$work/found"
fi
exit "$failed"
