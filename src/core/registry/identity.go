package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// maxEventID is the longest id that is taken from a registry, in bytes.
const maxEventID = 128

// identities gives each action of one envelope the id of the event it may raise.
// It is the registry's, so that a repeated envelope raises the same events. An
// event without id, and every further one of the same id, gets a hash of its
// content: a repetition comes with the same content.
type identities struct {
	seen map[string]string // content by id
}

func newIdentities() *identities {
	return &identities{seen: make(map[string]string)}
}

// next returns the id of a, and false if the envelope holds the same event before.
func (i *identities) next(a Action) (string, bool) {
	content := contentHash(a)
	id := a.EventID
	if id == "" || len(id) > maxEventID {
		id = content
	}
	first, taken := i.seen[id]
	if taken && first == content {
		return "", false
	}
	if taken {
		id = content
		if _, taken := i.seen[id]; taken {
			return "", false
		}
	}
	i.seen[id] = content
	return id, true
}

// contentHash is the same for the same action, whenever and in which envelope it
// comes, and never looks like an id that a registry makes.
func contentHash(a Action) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %q %q %q %q %q %q %q",
		a.Op, a.EventID, a.Repository, a.Tag, a.Digest, a.MediaType,
		a.Timestamp.UTC().Format(time.RFC3339Nano),
		a.Actor, a.RequestID, a.UserAgent, a.Client, a.Source.Addr, a.Source.InstanceID)
	for _, r := range a.References {
		fmt.Fprintf(h, " %q", r.Digest)
	}
	return "content-" + hex.EncodeToString(h.Sum(nil)[:16])
}
