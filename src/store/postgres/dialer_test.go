package postgres

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestASilentServerIsGivenUp(t *testing.T) {
	for name, bounded := range map[string]bool{"on a connection that stands": false, "while it is made": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				defer server.Close()
				told := 0
				c := &conn{Conn: client, silence: time.Minute, silent: func() { told++ }}
				defer c.Close()
				want, wantTold := time.Minute, 1
				if bounded {
					want, wantTold = 5*time.Second, 0 // nothing is known of others
					c.SetDeadline(time.Now().Add(want))
				}
				start := time.Now()
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("got %v, want a deadline that is exceeded", err)
				}
				if took := time.Since(start); took != want {
					t.Errorf("it took %s, want %s", took, want)
				}
				if told != wantTold {
					t.Errorf("told %d times, want %d", told, wantTold)
				}
			})
		})
	}
}

func TestAServerThatNeverGreetsIsGivenUp(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	// The kernel accepts; nobody ever answers.
	db, err := open("postgres://nobody@"+l.Addr().String()+"/none?sslmode=disable&connect_timeout=1", 2, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.PingContext(ctx); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a deadline that is exceeded", err)
	}
}
