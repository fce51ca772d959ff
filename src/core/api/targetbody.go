package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// headMembers are the members of a policy that speak of its first target, and
// their names there.
var headMembers = [...]struct{ policy, target string }{
	{"target", "address"},
	{"auth_header", "auth_header"},
	{"skip_cert_verify", "skip_cert_verify"},
	{"payload_format", "payload_format"},
	{"payload_template", "payload_template"},
}

// readTargets merges what the body says of targets with the stored ones. A list
// replaces the list; the single members change the first target only.
func readTargets(o *object, stored []hook.Target) []hook.Target {
	given, ok := o.objects("targets", "type", "address", "auth_header", "skip_cert_verify", "payload_format", "payload_template")
	if o.err != nil {
		return stored
	}
	if ok && len(given) == 0 {
		o.fail("targets", "must not be empty")
		return stored
	}
	if !ok {
		given = make([]*object, max(len(stored), 1))
		for i := range given {
			given[i] = &object{members: map[string]json.RawMessage{}}
		}
	}
	mergeHead(o, given[0])
	if o.err != nil {
		return stored
	}
	targets := make([]hook.Target, len(given))
	for i, g := range given {
		if targets[i] = readTarget(g, i, stored); g.err != nil {
			o.err = g.err
			return stored
		}
	}
	return targets
}

// mergeHead moves the policy's own members into its first target.
func mergeHead(o, first *object) {
	var text string
	o.str("target", &text)
	o.str("auth_header", &text)
	o.boolean("skip_cert_verify", new(bool))
	o.str("payload_format", &text)
	o.str("payload_template", &text)
	for _, m := range headMembers {
		single, ok := o.members[m.policy]
		if !ok || o.err != nil {
			continue
		}
		if listed, both := first.members[m.target]; both && !sameValue(single, listed) {
			o.fail(m.policy, "differs from "+first.field(m.target)+": give one of them")
			return
		}
		first.members[m.target] = single
	}
}

func sameValue(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// readTarget reads the target at position i over the stored one that it continues.
func readTarget(g *object, i int, stored []hook.Target) hook.Target {
	var before hook.Target
	if i < len(stored) {
		before = stored[i]
	}
	address := before.Address
	given := g.str("address", &address)
	if given && address == hook.MaskTarget(before.Address) {
		address = before.Address // the mask of its query, written back
	}
	if before.Address != address {
		// The list may have been put in another order.
		if j := slices.IndexFunc(stored, func(t hook.Target) bool { return t.Address == address }); j >= 0 {
			before = stored[j]
		}
	}
	t := before
	t.Address = address
	if address == "" && g.err == nil {
		g.err = hook.Invalid("target", "must not be empty")
	}
	if g.lenient {
		likeHarbor2(g, &t)
	}
	readFormat(g, &t)
	g.boolean("skip_cert_verify", &t.SkipCertVerify)
	if keeps(g, "auth_header", &t.AuthHeader) {
		mustStay(g, "auth_header", address, before)
	}
	return t
}

// readFormat reads what decides the body. The type and format of a target go
// together, and so do its format and template: of two, the one that is left out
// is kept only while the other one stays. What is then empty, the policies
// service fills in.
func readFormat(g *object, t *hook.Target) {
	before := *t
	hasType, hasFormat := g.str("type", &t.Type), g.str("payload_format", &t.PayloadFormat)
	if hasType && !hasFormat && t.Type != before.Type {
		t.PayloadFormat = ""
	}
	if hasFormat && !hasType && t.PayloadFormat != before.PayloadFormat && t.Type != hook.TargetHTTP {
		t.Type = ""
	}
	if !g.str("payload_template", &t.PayloadTemplate) && t.PayloadFormat != before.PayloadFormat {
		t.PayloadTemplate = ""
	}
}

// likeHarbor2 reads what Harbor 2's clients leave out or send empty: a false
// skip_cert_verify, and the payload format, which a target of Slack has none of.
func likeHarbor2(g *object, t *hook.Target) {
	t.SkipCertVerify = false
	var kind, format string
	g.str("type", &kind)
	if g.str("payload_format", &format); format == "" {
		delete(g.members, "payload_format")
	} else if kind == hook.TargetSlack {
		g.fail("payload_format", "set payload format is not allowed for slack")
	}
}

// readSecret keeps the stored secret only if no target lies at a new origin. A new
// secret ends a rotation: the one before it does not sign any more.
func readSecret(o *object, stored hook.Policy, p *hook.Policy) {
	if keeps(o, "secret", &p.Secret) {
		for _, t := range p.Targets {
			mustStay(o, "secret", t.Address, stored.Targets...)
		}
	}
	if p.Secret != stored.Secret {
		p.OldSecret, p.OldSecretUntil = "", time.Time{}
	}
}

// keeps reads a secret into to, which holds the stored one, and says whether a
// stored secret is kept: if the member is left out, or is the mask.
func keeps(o *object, name string, to *string) bool {
	given := *to
	if o.str(name, &given) && given != hook.Mask {
		*to = given
		return false
	}
	if o.has(name) && *to == "" {
		o.fail(name, "is masked, but there is none to keep")
	}
	return *to != ""
}

// mustStay refuses to let a kept secret follow the target to another origin,
// where whoever moved it could read it.
func mustStay(o *object, name, address string, before ...hook.Target) {
	if hook.TargetOrigin(address) == "" {
		if err := hook.ValidateTarget(address); err != nil && o.err == nil {
			o.err = err
		}
		return
	}
	if !hook.SameOrigin(address, before) {
		o.fail(name, hook.SecretStays)
	}
}
