package queue

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Embedded is a Redis in this process. It keeps nothing when it stops, which is
// no loss: the rows are the jobs.
type Embedded struct {
	server *miniredis.Miniredis
	url    string
}

// StartEmbedded starts it on a loopback port of its own, behind a random
// password, so that no other user of the machine can read or add hints.
func StartEmbedded() (*Embedded, error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the embedded redis: %w", err)
	}
	password := rand.Text()
	server.RequireAuth(password)
	address := url.URL{Scheme: "redis", User: url.UserPassword("", password), Host: server.Addr()}
	return &Embedded{server: server, url: address.String()}, nil
}

// URL is where it listens, password included.
func (e *Embedded) URL() string { return e.url }

// Run lets time pass, which it does not do by itself, until ctx ends; then it
// stops the server.
func (e *Embedded) Run(ctx context.Context) error {
	defer e.server.Close()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			e.server.FastForward(time.Second)
		}
	}
}
