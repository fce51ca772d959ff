package portal_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/portal"
)

var epoch = time.Date(2026, 11, 24, 14, 5, 21, 0, time.UTC)

// site is a portal over a memory. Who signs in is a user of that name, whose role
// in every project is the one of roles.
type site struct {
	portal.Store
	handler  http.Handler
	err      error // what every list fails with
	policies []hook.Policy
	jobs     []hook.Job
	events   []hook.Event
	attempt  hook.Attempt
	tested   *hook.Policy
	stopped  int64
	renewals int
	changed  bool // the next update finds that somebody was faster
}

var roles = map[string]hook.Role{"admin": hook.RoleProjectAdmin, "master": hook.RoleMaster, "dev": hook.RoleDeveloper}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		policies: []hook.Policy{{
			ID: 3, ProjectID: 1, Name: "ci", Enabled: true, HookTypes: []hook.EventType{hook.PushImage}, UpdateTime: epoch,
			Targets: []hook.Target{{Type: "http", Address: "https://ci.example.com/hook?token=s3cret", AuthHeader: "Bearer hidden", PayloadFormat: "Events"}},
		}},
		jobs: []hook.Job{{
			ID: 7, ProjectID: 1, PolicyID: 3, PolicyName: "ci", EventID: "e7", HookType: hook.PushImage, Status: hook.StatusError, Attempts: 1, HTTPStatus: 502,
			Detail: []byte(`{"a":"<b>","n":1}`), Repository: "app", Tag: "v1", CreationTime: epoch, UpdateTime: epoch,
		}},
		attempt: hook.Attempt{Result: hook.ResultOK, Duration: 5 * time.Millisecond, Response: &hook.Response{Status: 200, Body: "thanks"}},
	}
	catalog, formats := event.DefaultCatalog(), payload.DefaultFormats()
	log := slog.New(slog.DiscardHandler)
	policies := webhook.NewPolicies(s, webhook.NewCache(nothing{}, log), webhook.Rules{
		KnownType:   func(t hook.EventType) bool { _, ok := catalog.Lookup(t); return ok },
		TargetTypes: formats.TargetTypes(), FormatsFor: formats.For,
		CheckPayload: func(t hook.Target, types []hook.EventType) error {
			return formats.Check(t, types, payload.Options{Catalog: catalog})
		},
	})
	s.handler = portal.New(portal.Config{
		Store: s, Policies: policies, Deliveries: s, Tester: s, TestLimit: webhook.NewTestLimit(time.Now), Previewer: webhook.NewPreviewer(policies, s),
		Auth: s, Sessions: s, Catalog: catalog, Formats: formats, Health: func(context.Context) map[string]bool { return map[string]bool{"database": false} },
		Version: "test", Logger: log, Now: func() time.Time { return epoch },
	})
	return s
}

// do asks as a user, whose name is the token of the session too.
func (s *site) do(t *testing.T, user, method, path string, form url.Values, headers ...string) (int, string, http.Header) {
	t.Helper()
	var body io.Reader = http.NoBody
	if form != nil {
		if !form.Has("csrf") {
			form.Set("csrf", "csrf of "+user)
		}
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		r.AddCookie(&http.Cookie{Name: "sid", Value: user})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

type nothing struct{}

func (nothing) PoliciesVersion(context.Context) (int64, error) { return 0, nil }
func (nothing) ProjectByName(context.Context, string) (hook.Project, error) {
	return hook.Project{}, nil
}
func (nothing) Policies(context.Context, int64) ([]hook.Policy, error)     { return nil, nil }
func (s *site) Forget(string)                                              {}
func (s *site) SignOut(context.Context, string) error                      { return nil }
func (s *site) SignOutUser(context.Context, int64) error                   { return nil }
func (s *site) AddAudit(context.Context, hook.AuditEntry) error            { return nil }
func (s *site) Peek(_ context.Context, token string) (auth.Session, error) { return session(token) }

func (s *site) RecentEvents(context.Context, int64, int) ([]hook.Event, error) {
	return s.events, s.err
}

func (s *site) CreatePolicy(_ context.Context, p *hook.Policy, _ *hook.AuditEntry) error {
	s.policies = append(s.policies, *p)
	return nil
}

func (s *site) Redeliver(context.Context, int64, int64, *hook.AuditEntry) (int64, error) {
	return 8, nil
}
func (s *site) Count(context.Context, int64, hook.JobFilter) (int, error) { return 41, nil }
func (s *site) Attempts(context.Context, int64) ([]hook.Attempt, error) {
	return []hook.Attempt{s.attempt}, s.err
}
func (s *site) Waiting(context.Context, int) (int, error)        { return 2, s.err }
func (s *site) Circuits(context.Context) ([]hook.Circuit, error) { return nil, s.err }

func (s *site) Members(context.Context, int64) ([]hook.Member, error) { return nil, s.err }

func (s *site) EventOf(context.Context, int64, string) (hook.Event, error) {
	return hook.Event{OccurredAt: epoch}, nil
}

func (s *site) LastTriggers(context.Context, []hook.Trigger) (map[hook.Trigger]time.Time, error) {
	return nil, s.err
}

func (s *site) Summary(context.Context, int64, hook.JobFilter, time.Duration) (hook.Summary, error) {
	return hook.Summary{Steps: []hook.SummaryStep{{Start: epoch, Delivered: 3, Failed: 1}}}, s.err
}

func (s *site) RecentOutcomes(context.Context, int64, []int64, time.Time) (map[int64]hook.Outcomes, error) {
	return map[int64]hook.Outcomes{3: {Delivered: 38, Failed: 3}}, s.err
}

func (s *site) RedeliverAll(context.Context, int64, hook.JobFilter, *hook.AuditEntry) (hook.Redelivery, error) {
	return hook.Redelivery{IDs: []int64{8, 9}}, nil
}

func (s *site) Stop(_ context.Context, _, id int64, _ *hook.AuditEntry) error {
	s.stopped = id
	return nil
}

func (s *site) Audit(context.Context, int64, hook.JobPage) ([]hook.AuditEntry, int, error) {
	return []hook.AuditEntry{{Actor: "eve", PolicyID: 3, Action: hook.AuditTest}, {Actor: "bob", PolicyID: 3, Action: hook.AuditUpdate}}, 1, nil
}

func (s *site) Test(_ context.Context, _ hook.Project, p hook.Policy, _ string) (hook.Attempt, error) {
	s.tested = &p
	return s.attempt, nil
}

func (s *site) Policies(context.Context, int64) ([]hook.Policy, error) { return s.policies, s.err }

func (s *site) Policy(_ context.Context, project, id int64) (hook.Policy, error) {
	for _, p := range s.policies {
		if p.ID == id && p.ProjectID == project {
			return p, nil
		}
	}
	return hook.Policy{}, hook.ErrNotFound
}

func (s *site) ReplacePolicy(_ context.Context, p *hook.Policy, seen time.Time, _ *hook.AuditEntry) error {
	if s.changed || !seen.Equal(epoch) {
		return hook.ErrChanged
	}
	s.policies[0] = *p
	return nil
}

func (s *site) DeletePolicy(context.Context, int64, int64, *hook.AuditEntry) error {
	s.policies = nil
	return nil
}

func (s *site) Jobs(context.Context, int64, hook.JobFilter, hook.JobPage) ([]hook.Job, int, error) {
	return s.jobs, len(s.jobs), s.err
}

func (s *site) Job(_ context.Context, project, id int64) (hook.Job, error) {
	for _, j := range s.jobs {
		if j.ID == id && j.ProjectID == project {
			return j, nil
		}
	}
	return hook.Job{}, hook.ErrNotFound
}

func (s *site) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	if name == "library" {
		return hook.Project{ID: 1, Name: name}, nil
	}
	return hook.Project{}, hook.ErrNotFound
}

func (s *site) Projects(context.Context, hook.ProjectFilter, hook.JobPage) ([]hook.Project, int, error) {
	return []hook.Project{{ID: 1, Name: "library"}}, 1, s.err
}

func (s *site) Authenticate(_ context.Context, username, password, _ string) (auth.Identity, error) {
	if password != "right password" {
		return auth.Identity{}, auth.ErrUnauthenticated
	}
	got, err := session(username)
	return got.Identity, err
}

func (s *site) SignIn(ctx context.Context, username, password, client string) (auth.Session, error) {
	if _, err := s.Authenticate(ctx, username, password, client); err != nil {
		return auth.Session{}, err
	}
	return session(username)
}

func (s *site) Session(_ context.Context, token string) (auth.Session, error) {
	s.renewals++
	return session(token)
}

func session(user string) (auth.Session, error) {
	if user == "" {
		return auth.Session{}, auth.ErrUnauthenticated
	}
	return auth.Session{Token: user, CSRF: "csrf of " + user, Identity: auth.Identity{User: hook.User{ID: 5, Username: user, SysAdmin: user == "root"}}}, nil
}

func (s *site) Can(_ context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error) {
	return auth.Allowed(id, p, roles[id.Name()], a), nil
}
