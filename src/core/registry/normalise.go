package registry

import (
	"net"
	"net/http"
	"strings"

	"github.com/docker/distribution"
	"github.com/docker/distribution/notifications"
	"github.com/opencontainers/go-digest"
)

// Longest names in bytes. The first two are what registries accept; events with
// longer ones are not theirs. The others are cut: nothing is decided by their end.
const (
	maxRepository = 255
	maxTag        = 128
	maxDigest     = 255
	maxText       = 255
	maxUserAgent  = 512
)

// FromEvent returns the action that an event of a registry reports, or the
// reason for which it is of no use. It is the one place where events of the
// wire and of a registry in this process are read.
func FromEvent(e notifications.Event) (Action, Reason) {
	a := Action{
		EventID:    storable(e.ID),
		Repository: storable(e.Target.Repository),
		Tag:        storable(e.Target.Tag),
		Digest:     string(e.Target.Digest),
		MediaType:  cut(storable(e.Target.MediaType), maxText),
		References: references(e.Target.References),
		Timestamp:  e.Timestamp,
		Actor:      cut(storable(e.Actor.Name), maxText),
		RequestID:  cut(storable(e.Request.ID), maxText),
		UserAgent:  cut(storable(e.Request.UserAgent), maxUserAgent),
		Client:     cut(storable(withoutPort(e.Request.Addr)), maxText),
		Source: Source{
			Addr:       cut(storable(e.Source.Addr), maxText),
			InstanceID: cut(storable(e.Source.InstanceID), maxText),
		},
	}
	op, reason := opOf(e)
	if reason != "" {
		return Action{}, reason
	}
	a.Op = op
	if reason := unusable(a); reason != "" {
		return Action{}, reason
	}
	return a, ""
}

func opOf(e notifications.Event) (Op, Reason) {
	switch e.Action {
	case notifications.EventActionDelete:
		// Neither media type nor URL tells a manifest from a blob, and 3.x sends an
		// empty digest with a tag.
		switch {
		case e.Target.Tag != "":
			return OpDeleteTag, ""
		case e.Target.Digest != "":
			return OpDeleteDigest, ""
		}
		return "", ReasonNothingDeleted
	case notifications.EventActionPush, notifications.EventActionPull, notifications.EventActionMount:
		switch {
		case e.Action == notifications.EventActionMount || !isManifest(e.Target.MediaType):
			return "", ReasonNotManifest
		case e.Action == notifications.EventActionPush:
			return OpPush, ""
		case e.Request.Method == http.MethodHead:
			return OpHead, ""
		}
		return OpPull, ""
	}
	return "", ReasonUnknownAction
}

// unusable says why an action cannot be used, if so.
func unusable(a Action) Reason {
	project, name, nested := strings.Cut(a.Repository, "/")
	switch {
	case a.Repository == "":
		return ReasonBadRepository
	case len(a.Repository) > maxRepository:
		return ReasonRepositoryTooLong
	case !nested:
		return ReasonNoProject
	case project == "" || name == "":
		return ReasonBadRepository
	case len(a.Tag) > maxTag:
		return ReasonTagTooLong
	case a.Digest == "" && a.Op == OpDeleteTag:
		return ""
	case !isDigest(a.Digest):
		return ReasonBadDigest
	}
	return ""
}

func references(in []distribution.Descriptor) []Reference {
	if len(in) == 0 {
		return nil
	}
	out := make([]Reference, 0, len(in))
	for _, d := range in {
		r := Reference{MediaType: cut(storable(d.MediaType), maxText)}
		if isDigest(string(d.Digest)) {
			r.Digest = string(d.Digest)
		}
		if p := d.Platform; p != nil {
			r.OS = cut(storable(p.OS), maxText)
			r.Architecture = cut(storable(p.Architecture), maxText)
			r.Variant = cut(storable(p.Variant), maxText)
		}
		out = append(out, r)
	}
	return out
}

func isDigest(s string) bool {
	return len(s) <= maxDigest && digest.DigestRegexpAnchored.MatchString(s)
}

// withoutPort returns the host of an address, which has a port unless it comes
// from a proxy's header.
func withoutPort(addr string) string {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]")
}

// storable replaces what a database's text type refuses: invalid UTF-8 and NUL.
// Other control characters are data.
func storable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
