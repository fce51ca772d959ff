package embed

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/harborhook/harborhook/src/hook"
)

// host has one user, who is an admin, and every project.
type host struct{}

func (host) Authenticate(*http.Request) (hook.User, error) {
	return hook.User{ID: 1, Username: "ada", SysAdmin: true}, nil
}

func (host) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	return hook.Project{Name: name}, nil
}

func (host) Role(context.Context, string, int64) (hook.Role, error) {
	return hook.RoleProjectAdmin, nil
}

// spans hands on the spans that end.
type spans chan sdk.ReadOnlySpan

func (spans) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (s spans) OnEnd(span sdk.ReadOnlySpan)              { s <- span }
func (spans) Shutdown(context.Context) error             { return nil }
func (spans) ForceFlush(context.Context) error           { return nil }

// push is what a registry tells of a pushed image.
const push = `{"events":[{"id":"320678d8-ca14-430f-8bb6-4ca139cd83f7","timestamp":"2026-01-02T03:04:05Z","action":"push",
	"target":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":500,"length":500,"repository":"engines/app","tag":"v1",
	"digest":"sha256:fea8895f450959fa676bcc1df0611ea93823a735a01205fd8622846041d0c7cf",
	"references":[{"mediaType":"application/vnd.docker.container.image.v1+json","size":400,
	"digest":"sha256:2e863c44b718727c860746568e1d54afd13b2fa71b160f5cd9058fc436217b30"}]},
	"request":{"id":"r","addr":"192.0.2.1:4000","method":"PUT","useragent":"test"},"actor":{"name":"ada"},"source":{"addr":"registry:5000","instanceID":"one"}}]}`

func TestSpansAreMadeByTheHostsProvider(t *testing.T) {
	t.Parallel()
	got := make(chan string, 10)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Traceparent") }))
	defer target.Close()
	ended := make(spans, 100)
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(ended))
	s, err := New(t.Context(), Config{
		Users: host{}, Projects: host{}, Logger: slog.New(slog.DiscardHandler), TracerProvider: provider,
		Settings: map[string]string{
			"HARBORHOOK_DATA_DIR": t.TempDir(), "HARBORHOOK_ALLOWED_NETWORKS": "loopback",
			"HARBORHOOK_ENCRYPTION_KEY":     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			"HARBORHOOK_NOTIFICATION_TOKEN": "what-the-registry-shows", "HARBORHOOK_COMPONENT_TOKEN": "what-components-show",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()

	call(ctx, t, s, "/api/projects/engines/webhook/policies", `{"name":"ci","enabled":true,"hook_types":["pushImage"],"target":"`+target.URL+`"}`)
	around, span := provider.Tracer("host").Start(ctx, "the host's own")
	call(around, t, s, "/service/notifications", push)
	span.End()
	trace := span.SpanContext().TraceID().String()
	deadline := time.After(time.Minute)
	select {
	case sent := <-got:
		if hook.TraceID(sent) != trace {
			t.Errorf("sent with %q, want the trace %s", sent, trace)
		}
	case <-deadline:
		t.Fatal("nothing is delivered")
	}
	wanted := map[string]bool{"receive": true, "match": true, "accept": true, "submit": true, "queue": true, "attempt": true, "record": true}
	for len(wanted) > 0 {
		select {
		case one := <-ended:
			if one.SpanContext().TraceID().String() != trace {
				t.Errorf("%s is in another trace", one.Name())
			}
			delete(wanted, one.Name())
		case <-deadline:
			t.Fatalf("there are no spans %v", wanted)
		}
	}
}

// call must be answered with success.
func call(ctx context.Context, t *testing.T, s *Service, path, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if path == "/service/notifications" {
		r.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v1+json")
		r.Header.Set("Authorization", "Bearer what-the-registry-shows")
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code < 200 || w.Code > 299 {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
}
