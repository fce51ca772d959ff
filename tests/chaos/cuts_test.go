package chaos

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/tests/harness"
)

// stuckAfter is how long after the last cut everything must be final.
const stuckAfter = 30 * time.Second

// cutting breaks what lies between two processes in every way.
func cutting(name string, p *proxy) scenario {
	ways := []cut{reset, blackHole, slow, halfOpen, beforeReply}
	return scenario{promise: 5, name: name, within: stuckAfter, faults: func(_ *testing.T, w *world) string {
		words := make([]string, len(ways))
		for i, how := range ways {
			w.pause()
			p.set(how)
			<-time.After(2 * w.between)
			p.set(whole)
			words[i] = string(how)
		}
		w.pause()
		return strings.Join(words, ", ")
	}}
}

func TestCutsOfTheNetworkLoseNothing(t *testing.T) {
	t.Parallel()
	size := chosen(t)
	for name, wire := range map[string]func(t *testing.T, w *world) *proxy{
		"registry – Core": func(t *testing.T, w *world) *proxy {
			t.Helper()
			w.start(t, w.database, nil)
			p := newProxy(t, strings.TrimPrefix(w.CoreURL, "http://"))
			through := *w.System
			through.CoreURL, through.Patience = "http://"+p.addr, 3*time.Second // as a registry's
			w.systems = []*harness.System{&through}
			return p
		},
		"Core – PostgreSQL": func(t *testing.T, w *world) *proxy {
			t.Helper()
			p, database := detour(t, w.database)
			w.start(t, w.database, map[string]harness.Settings{"core": {"DATABASE_URL": database}})
			return p
		},
		"JobService – PostgreSQL": func(t *testing.T, w *world) *proxy {
			t.Helper()
			p, database := detour(t, w.database)
			w.start(t, w.database, map[string]harness.Settings{"jobservice": {"DATABASE_URL": database}})
			return p
		},
		"Core – JobService": func(t *testing.T, w *world) *proxy {
			t.Helper()
			p := newProxy(t, "")
			w.start(t, w.database, map[string]harness.Settings{"core": {"JOBSERVICE_URL": "http://" + p.addr}})
			p.lead(w.JobServiceAddr)
			return p
		},
		"JobService – Redis": func(t *testing.T, w *world) *proxy {
			t.Helper()
			p, redis := detour(t, w.redis.URL())
			w.start(t, w.database, map[string]harness.Settings{"jobservice": {"REDIS_URL": redis}})
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newServers(t, size)
			p := wire(t, w)
			run(t, cutting(fmt.Sprint("cuts between ", name), p), w)
		})
	}
}

// detour is a proxy to where a URL leads, and the URL that leads through it.
func detour(t *testing.T, address string) (p *proxy, through string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%q: %v", address, err)
	}
	p = newProxy(t, u.Host)
	u.Host = p.addr
	return p, u.String()
}
