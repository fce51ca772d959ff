#!/usr/bin/env bash
# mutate.sh: takes the most important guards out, one at a time, in a copy of the
# sources, and says which test notices. Exit code 1 if none does.
set -euo pipefail
cd "$(dirname "$0")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r src make docs tests go.mod go.sum "$copy"

survived=0
# mutate NAME FILE PERL-EXPRESSION PACKAGE [TESTS]
mutate() {
	local file=$copy/$2
	perl -0pi -e "$3" "$file"
	if cmp -s "$file" "$2"; then
		echo "$1: the mutation does not fit the source any more"
		survived=1
		return
	fi
	local out
	if out=$(cd "$copy" && go test -count=1 -timeout 120s ${5:+-run "$5"} "./$4" 2>&1); then
		echo "$1: NO TEST FAILS"
		survived=1
	elif grep -q -e '^--- FAIL' <<<"$out"; then
		echo "$1: $(grep -e '^--- FAIL' <<<"$out" | sed 's/--- FAIL: //; s/ (.*//' | head -n 2 | paste -sd ' ')"
	else
		echo "$1: does not build"
		head -n 5 <<<"$out"
		survived=1
	fi
	cp "$2" "$file"
}

mutate 'addresses are checked when they are dialled' src/jobservice/delivery/dial.go \
	's/return d\.guard\.Check\(target\)/_ = target; return nil/' src/jobservice/delivery 'Blocked|Mixed|OnlyAllowed'
mutate 'the metadata tier is never opened' src/jobservice/delivery/guard.go \
	's/contains\(never, addr\) \|\| //' src/jobservice/delivery 'Metadata|Special'
mutate 'IPv4 addresses inside IPv6 ones are checked' src/jobservice/delivery/guard.go \
	's/range carried\(addr\)/range carried(addr.Unmap())[:0]/' src/jobservice/delivery 'Metadata|Allowed'
mutate 'a proxy is asked for checked addresses only' src/jobservice/delivery/proxy.go \
	's/if d\.guard\.Check\(target\) == nil \{/if true {/' src/jobservice/delivery 'Proxy'
mutate 'known secrets in answers are masked' src/jobservice/delivery/secrets.go \
	's/text = strings\.ReplaceAll\(text, secret, hook\.Mask\)/_ = secret/' src/jobservice/delivery
mutate 'a secret is bound to its row and column' src/store/seal.go \
	's/\[\]byte\(place\)\)/nil)/g' src/store 'Seal|Secrets'
mutate 'policies are read with their project' src/store/policies.go \
	's/s\.queryPolicies\(ctx, s\.read, `id = \$1 AND project_id = \$2`, id, projectID\)/s.queryPolicies(ctx, s.read, `id = \$1 AND \$2 = \$2`, id, projectID)/' src/store/sqlite
mutate 'tokens of internal endpoints are compared' src/core/api/notifications.go \
	's/(wanted\[:\]\)) == 1/$1 >= 0/' src/core/api 'Notif|Token'
mutate 'suffixes that beego drops are refused' src/core/api/guard.go \
	's/case innerSuffix\(r\.URL\.Path\):/case false:/' src/core/api 'Guard'
mutate 'encoded bodies are refused unread' src/core/api/guard.go \
	's/case len\(r\.Header\.Values\("Content-Encoding"\)\) > 0:/case false:/' src/core/api 'Guard|Gzip|Encoded'
mutate 'requests of other sites are refused' src/core/api/guard.go \
	's/if crossOrigin\.Check\(r\) != nil \{/if false \&\& crossOrigin.Check(r) != nil {/' src/core/api 'Guard'
mutate 'methods are not overridden' src/core/api/guard.go \
	's/return r\.URL\.Query\(\)\.Has\("_method"\)/return false/' src/core/api 'Guard'
exit $survived
