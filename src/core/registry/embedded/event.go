package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/distribution"
	dcontext "github.com/docker/distribution/context"
	"github.com/docker/distribution/manifest/manifestlist"
	"github.com/docker/distribution/notifications"
	registryauth "github.com/docker/distribution/registry/auth"
	"github.com/google/uuid"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// SourceAddr is the source.addr of every event of an embedded registry.
const SourceAddr = "embedded"

// event returns an event of the request that ctx belongs to, without its target.
func (r *repository) event(ctx context.Context, action string) notifications.Event {
	e := notifications.Event{
		ID:        uuid.NewString(),
		Timestamp: time.Now(),
		Action:    action,
		Actor:     notifications.ActorRecord{Name: dcontext.GetStringValue(ctx, registryauth.UserNameKey)},
		Source:    notifications.SourceRecord{Addr: SourceAddr, InstanceID: r.registry.instance},
	}
	e.Target.Repository = r.Named().Name()
	if req, err := dcontext.GetRequest(ctx); err == nil {
		e.Request = notifications.RequestRecord{
			ID:        dcontext.GetRequestID(ctx),
			Addr:      req.RemoteAddr,
			Host:      req.Host,
			Method:    req.Method,
			UserAgent: req.UserAgent(),
		}
	}
	return e
}

// manifestEvent returns the event of a manifest that was pushed or pulled; tag is
// empty if the client named the digest.
func (r *repository) manifestEvent(ctx context.Context, action string, m distribution.Manifest, dgst digest.Digest, tag string) (notifications.Event, error) {
	mediaType, payload, err := m.Payload()
	if err != nil {
		return notifications.Event{}, fmt.Errorf("read manifest %s: %w", dgst, err)
	}
	e := r.event(ctx, action)
	e.Target.MediaType = mediaType
	e.Target.Digest = dgst
	e.Target.Size = int64(len(payload))
	e.Target.Length = e.Target.Size
	e.Target.Tag = tag
	e.Target.URL = "/v2/" + r.Named().Name() + "/manifests/" + dgst.String()
	e.Target.References = references(m)
	return e, nil
}

// deleteEvents returns the event of a deleted digest, and one for each of its tags.
func (r *repository) deleteEvents(ctx context.Context, dgst digest.Digest, tags []string) []notifications.Event {
	gone := r.event(ctx, notifications.EventActionDelete)
	gone.Target.Digest = dgst
	events := []notifications.Event{gone}
	for _, tag := range tags {
		untagged := r.event(ctx, notifications.EventActionDelete)
		untagged.Target.Tag = tag
		events = append(events, untagged)
	}
	return events
}

// references lists what a manifest refers to, its configuration first. The
// platforms of an index's children are filled in: docker/distribution reads them
// into a field of its own.
func references(m distribution.Manifest) []distribution.Descriptor {
	index, ok := m.(*manifestlist.DeserializedManifestList)
	if !ok {
		return m.References()
	}
	children := make([]distribution.Descriptor, 0, len(index.Manifests))
	for _, child := range index.Manifests {
		d := child.Descriptor
		d.Platform = platform(child.Platform)
		children = append(children, d)
	}
	return children
}

func platform(p manifestlist.PlatformSpec) *v1.Platform {
	if p.OS == "" && p.Architecture == "" {
		return nil
	}
	return &v1.Platform{
		OS:           p.OS,
		OSVersion:    p.OSVersion,
		OSFeatures:   p.OSFeatures,
		Architecture: p.Architecture,
		Variant:      p.Variant,
	}
}
