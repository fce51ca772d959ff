package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// standalone is as much of a standalone as the demo sees: a registry, and a Core
// that sends a webhook to each policy when a manifest is put.
type standalone struct {
	core, registry *httptest.Server
	// deaf keeps webhooks from being sent.
	deaf bool

	mu      sync.Mutex
	targets map[string]string
	deleted int
}

const testPassword = "the password"

func startStandalone(t *testing.T) *standalone {
	t.Helper()
	s := &standalone{targets: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/projects/library/webhook/policies", s.create)
	mux.HandleFunc("DELETE /api/projects/library/webhook/policies/3", func(http.ResponseWriter, *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deleted++
		clear(s.targets)
	})
	s.core = httptest.NewServer(authenticated(mux))
	t.Cleanup(s.core.Close)
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s.registry = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		images.ServeHTTP(w, r)
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			s.notify(t)
		}
	}))
	t.Cleanup(s.registry.Close)
	return s
}

func authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != testPassword && r.URL.Path != "/api/health" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *standalone) create(w http.ResponseWriter, r *http.Request) {
	var policy struct {
		Name, Target string
		HookTypes    []string `json:"hook_types"`
	}
	if err := json.NewDecoder(r.Body).Decode(&policy); err != nil || len(policy.HookTypes) != 1 || policy.HookTypes[0] != "pushImage" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[policy.Name] = policy.Target
	w.Header().Set("Location", r.URL.Path+"/3")
	w.WriteHeader(http.StatusCreated)
}

func (s *standalone) notify(t *testing.T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, target := range s.targets {
		if s.deaf {
			continue
		}
		r, err := http.Post(target, "application/json", strings.NewReader(`{"event_type":"pushImage"}`))
		if err != nil {
			t.Error(err)
			continue
		}
		r.Body.Close()
	}
}

func (s *standalone) demo(t *testing.T, password string, more ...string) (code int, out, errs string) {
	t.Helper()
	data := t.TempDir()
	if password != "" {
		if err := os.MkdirAll(filepath.Join(data, "secrets"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(data, "secrets", "admin_password"), []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	args := append([]string{"-core-addr", s.core.Listener.Addr().String(), "-registry-addr", s.registry.Listener.Addr().String(), "-data-dir", data}, more...)
	code = run(context.Background(), args, nil, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestTheDemoShowsTheWebhook(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	for range 2 {
		code, out, errs := s.demo(t, testPassword)
		if code != 0 {
			t.Fatalf("code %d: %s", code, errs)
		}
		for _, want := range []string{
			"POST /hook HTTP/1.1\n", "Content-Type: application/json\n", "{\n  \"event_type\": \"pushImage\"\n}\n",
			"/webhook/jobs?policy_id=3", "after the manifest was sent", "is deleted again",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not shown:\n%s", want, out)
			}
		}
		if strings.Contains(out, testPassword) {
			t.Error("the password is shown")
		}
	}
	if s.deleted != 2 {
		t.Errorf("%d policies deleted, want 2", s.deleted)
	}
}

func TestWhatGoesWrongIsSaid(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	s.deaf = true
	gone := startStandalone(t)
	gone.core.Close()
	for name, test := range map[string]struct {
		in       *standalone
		password string
		want     string
	}{
		"nothing runs":       {gone, testPassword, `start it with "make run"`},
		"no password":        {s, "", "set HARBORHOOK_ADMIN_PASSWORD"},
		"wrong password":     {s, "another", "does not take the password of admin"},
		"no webhook arrives": {s, testPassword, "no webhook arrived within 50ms"},
	} {
		code, _, errs := test.in.demo(t, test.password, "-wait", "50ms")
		if code != 1 || !strings.Contains(errs, test.want) {
			t.Errorf("%s: code %d: %s", name, code, errs)
		}
	}
	if s.deleted != 1 {
		t.Errorf("%d policies deleted, want that of the run without a webhook", s.deleted)
	}
	if code := run(context.Background(), []string{"-nope"}, nil, io.Discard, io.Discard); code != 2 {
		t.Errorf("wrong use: code %d", code)
	}
}
