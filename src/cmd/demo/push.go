package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// timing is when a push did what.
type timing struct {
	// manifest is when the manifest was sent: the step that makes the image exist.
	manifest time.Time
	end      time.Time
}

// pushImage pushes a random image of a few hundred bytes.
func pushImage(ctx context.Context, image, password string) (timing, error) {
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		return timing{}, fmt.Errorf("name the image: %w", err)
	}
	img, err := random.Image(256, 1)
	if err != nil {
		return timing{}, fmt.Errorf("make an image: %w", err)
	}
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	watch := &manifestWatch{next: connections}
	err = remote.Write(ref, img,
		remote.WithContext(ctx),
		remote.WithTransport(watch),
		remote.WithAuth(&authn.Basic{Username: user, Password: password}))
	var refused *transport.Error
	if errors.As(err, &refused) && (refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden) {
		return timing{}, fmt.Errorf("the registry does not let %s push %s: %w", user, image, err)
	}
	if err != nil {
		return timing{}, fmt.Errorf("push %s: %w", image, err)
	}
	return timing{manifest: watch.sentAt(), end: time.Now()}, nil
}

// manifestWatch notes when a manifest is sent.
type manifestWatch struct {
	next http.RoundTripper

	mu   sync.Mutex
	sent time.Time
}

func (w *manifestWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
		w.mu.Lock()
		w.sent = time.Now()
		w.mu.Unlock()
	}
	return w.next.RoundTrip(r)
}

func (w *manifestWatch) sentAt() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}
