#!/usr/bin/env bash
# mutate.sh [WORDS]: takes the most important guards out, one at a time, in a copy of
# the sources, and says which test notices. Exit code 1 if none does. With WORDS, a
# regular expression, only the guards whose name it matches.
set -euo pipefail
cd "$(dirname "$0")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r src make docs tests go.mod go.sum "$copy"

survived=0
wanted=${1:-.}
# mutate NAME FILE PERL-EXPRESSION PACKAGE [TESTS]
mutate() {
	[[ $1 =~ $wanted ]] || return 0
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

mutate 'denied networks stay closed' src/jobservice/delivery/guard.go \
	's/ \|\| contains\(g\.denied, addr\)//' src/jobservice/delivery 'Denied|Allowed|Guard'
mutate 'special networks are closed' src/jobservice/delivery/guard.go \
	's/return !contains\(special4, addr\)/return true/' src/jobservice/delivery 'Special|Guard'
mutate 'only global IPv6 addresses are public' src/jobservice/delivery/guard.go \
	's/return global6\.Contains\(addr\) \&\& !contains\(special6, addr\)/return !contains(special6, addr)/' src/jobservice/delivery 'Special|Guard'
mutate 'redirects are not followed' src/jobservice/delivery/client.go \
	's/c\.transport\(d\)\.RoundTrip\(req\)/(\&http.Client{Transport: c.transport(d)}).Do(req)/' src/jobservice/delivery 'Redirect'
mutate 'answers are not inflated' src/jobservice/delivery/client.go \
	's/DisableCompression:     true/DisableCompression:     false/' src/jobservice/delivery
mutate 'headers of an answer are bounded' src/jobservice/delivery/client.go \
	's/\tMaxResponseHeaderBytes: maxHeaderBytes,\n//' src/jobservice/delivery
mutate 'bodies of an answer are bounded' src/jobservice/delivery/response.go \
	's/hook\.MaxStoredBody\+1\)/64*hook.MaxStoredBody)/' src/jobservice/delivery 'NoMore'
mutate 'little is taken of HTTP/2 that nobody has read' src/jobservice/delivery/client.go \
	's/\t\t\tMaxReceiveBufferPerStream: maxUnread,[^\n]*\n//' src/jobservice/delivery 'Unasked'
mutate 'what is stored is valid text' src/jobservice/delivery/response.go \
	's/return strings\.ReplaceAll\(strings\.ToValidUTF8\(text, replacement\), "\\x00", replacement\)/_ = replacement; return text/' src/jobservice/delivery
mutate 'headers that are secrets by name are masked' src/jobservice/delivery/response.go \
	's/case sensitive\(name\):/case false:/' src/jobservice/delivery
mutate 'old TLS is refused' src/jobservice/delivery/client.go \
	's/tls\.VersionTLS12/tls.VersionTLS10/' src/jobservice/delivery
mutate 'certificates are verified' src/jobservice/delivery/client.go \
	's/newTransport\(cfg, dial, false\)/newTransport(cfg, dial, true)/' src/jobservice/delivery
mutate 'tests of a project are limited' src/core/webhook/limit.go \
	's/max\(l\.project\.Wait\(projectID\), l\.all\.Wait\(0\)\)/l.all.Wait(0)/' src/core/webhook 'Limit|Together'
mutate 'tests of all projects are limited' src/core/webhook/limit.go \
	's/max\(l\.project\.Wait\(projectID\), l\.all\.Wait\(0\)\)/l.project.Wait(projectID)/' src/core/webhook 'Limit|Together'
mutate 'internal endpoints are for their networks' src/core/api/internal.go \
	's/ \|\| a\.Insider\(r\) \{/ || a.Insider(r) || true {/' src/core/api 'Insiders'
mutate 'JobService is for its networks' src/jobservice/api.go \
	's/a\.Insider != nil \&\& !a\.Insider\(r\)/false/' src/jobservice 'Elsewhere'
mutate 'the secret of JobService is compared' src/jobservice/api.go \
	's/(want\[:\]\)) != 1/$1 > 1/' src/jobservice 'Secret|API|Caller'
mutate 'only trusted proxies are believed' src/app/proxies.go \
	's/!within\(trusted, proxy\.Addr\(\)\)/!proxy.IsValid()/' src/app 'Proxy|Trusted'
mutate 'paths are clean' src/core/api/guard.go \
	's/case !cleanPath\(r\):/case false:/' src/core/api 'Guard'
mutate 'methods are from a list' src/core/api/guard.go \
	's/case !knownMethod\(r\.Method\):/case false:/' src/core/api 'Guard'
mutate 'bodies are of types that are taken' src/core/api/guard.go \
	's/case !knownMediaType\(r\):/case false:/' src/core/api 'Guard|Foreign'
mutate 'bodies of requests are bounded' src/core/api/guard.go \
	's/http\.MaxBytesReader\(w, r\.Body, bodyLimit\(r\.URL\.Path\)\)/r.Body/' src/core/api
mutate 'forms are small' src/core/api/guard.go \
	's/return MaxForm/return MaxBody/' src/core/api 'Form|Signing|Session|Login'
mutate 'bodies of all requests are bounded' src/core/api/bodies.go \
	's/ > h\.room\.size/ > 1<<40/' src/core/api 'Bodies'
mutate 'strangers take no room from registries' src/core/api/bodies.go \
	's/return \&b\.forms/return \&b.notifications/' src/core/api 'Bodies'
mutate 'room is given back' src/core/api/bodies.go \
	's/defer held\.release\(\)/_ = held.release/' src/core/api 'Bodies|Room'
mutate 'a body has its time' src/core/api/bodies.go \
	's/\t\tlimitBodyTime\(w, r\)\n//' src/core/api 'GivenUp'
mutate 'a large heap is not collected without end' src/cmd/harborhook/memory.go \
	's/return max\(memoryLimit, int64\(steps\+1\)\*limitStep\)/_ = steps; return memoryLimit/' src/cmd/harborhook 'Memory'
mutate 'the CSRF token is compared' src/core/api/session.go \
	's/c\.changes\(\) \&\& !session\.ValidCSRF/false \&\& !session.ValidCSRF/' src/core/api 'Session|Token'
mutate 'scripts cannot read the cookie' src/core/api/session.go \
	's/HttpOnly: true, //' src/core/api 'Session|Cookie|Sign'
mutate 'guessing is held up' src/core/auth/backoff.go \
	's/if wait > 0 \{\n\t\treturn \&BackOff/if wait < 0 {\n\t\treturn \&BackOff/' src/core/auth
mutate 'masters do not read queries of targets' src/core/api/policyjson.go \
	's/if !mayUpdate \{/if false {/' src/core/api 'Polic'
mutate 'secrets are masked when they are read' src/core/api/policyjson.go \
	's/masked\(t\.AuthHeader\)/t.AuthHeader/' src/core/api
mutate 'policies of a project are counted' src/core/webhook/policies.go \
	's/len\(existing\) >= maxPolicies/false/' src/core/webhook
mutate 'expressions are bounded' src/core/webhook/match.go \
	's/len\(program\.Inst\) > maxInstructions/false/' src/core/webhook
mutate 'guessable secrets are refused' src/config/validate.go \
	's/case guessable\(text\):/case false:/' src/config
mutate 'pages run no foreign script' src/portal/portal.go \
	's/\t\th\.Set\("Content-Security-Policy", securityPolicy\)\n//' src/portal
exit $survived
