package api_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/tests/openapi"
)

// The callers of the tests. Everybody's password is the name.
const (
	root      = "root"     // system admin
	admin     = "admin1"   // project admin of p1
	master    = "master1"  // master of p1
	developer = "develop1" // developer of p1
	guest     = "guest1"   // guest of p1
	foreigner = "admin2"   // project admin of p2
	nobody    = ""         // anonymous
)

func callers() []string {
	return []string{root, admin, master, developer, guest, foreigner, nobody}
}

var epoch = time.Date(2020, time.March, 3, 7, 58, 52, 0, time.UTC)

// formats are the payload formats.
type formats struct{}

func (formats) TargetTypes() []string { return []string{"http", "slack"} }

func (formats) For(targetType string) []string {
	if targetType == "slack" {
		return []string{"Slack"}
	}
	return []string{"Events", "Default"}
}

// memory is a store, a policies service and an auth service.
type memory struct {
	mu       sync.Mutex
	users    []hook.User
	projects []hook.Project
	members  []hook.Member
	policies []hook.Policy
	jobs     []hook.Job
	attempts map[int64][]hook.Attempt
	lastID   int64
	// broken is what every method of the store fails with.
	broken error
	// filter, page and client are what was asked for last.
	filter hook.JobFilter
	// draft and last are what a preview was asked for last, verdicts its answer.
	draft         hook.Policy
	last          int
	verdicts      []hook.Verdict
	projectFilter hook.ProjectFilter
	page          hook.JobPage
	client        string
	// attempt is how a test ends; tested is what was tested last, and by whom.
	attempt  hook.Attempt
	tested   hook.Policy
	testedBy string
	// meanwhile, if set, is what others do between the reading of a policy and its update.
	meanwhile func()
	// audit is what was recorded; auditBroken is what recording fails with.
	audit       []hook.AuditEntry
	auditBroken error
	// forgotten are the users whose passwords changed.
	forgotten []string
}

func newMemory() *memory {
	m := &memory{lastID: 100, attempts: map[int64][]hook.Attempt{}, attempt: hook.Attempt{Result: hook.ResultOK}}
	m.projects = []hook.Project{
		{ID: 1, Name: "p1", OwnerID: 2, OwnerName: admin, CreationTime: epoch, UpdateTime: epoch},
		{ID: 2, Name: "p2", OwnerID: 6, OwnerName: foreigner, Public: true, CreationTime: epoch, UpdateTime: epoch},
	}
	for i, name := range callers()[:6] {
		m.users = append(m.users, hook.User{ID: int64(i + 1), Username: name, SysAdmin: name == root})
	}
	for i, role := range []hook.Role{hook.RoleProjectAdmin, hook.RoleMaster, hook.RoleDeveloper, hook.RoleGuest} {
		m.members = append(m.members, hook.Member{ID: int64(i + 1), ProjectID: 1, UserID: int64(i + 2), Username: callers()[i+1], Role: role})
	}
	m.members = append(m.members, hook.Member{ID: 5, ProjectID: 2, UserID: 6, Username: foreigner, Role: hook.RoleProjectAdmin})
	m.policies = []hook.Policy{{
		ID: 3, ProjectID: 1, Name: "ci", Enabled: true, HookTypes: []hook.EventType{hook.PushImage},
		Targets: []hook.Target{{Type: "http", Address: "https://ci.example.com/hook?token=abc", AuthHeader: "Bearer t0ps3cret", PayloadFormat: "Events"}},
		Secret:  "whsec_t0ps3cret", Creator: admin, CreationTime: epoch, UpdateTime: epoch,
	}}
	m.jobs = []hook.Job{{
		ID: 11, UUID: "u-11", ProjectID: 1, PolicyID: 3, PolicyName: "ci", HookType: hook.PushImage, NotifyType: "http",
		Target: "https://ci.example.com/hook?token=********", Detail: []byte(`{"event_type":"pushImage"}`), Repository: "repo1", Tag: "latest",
		Status: hook.StatusScheduled, Attempts: 1, NextAt: epoch.Add(time.Minute), CreationTime: epoch, UpdateTime: epoch,
	}}
	m.attempts[11] = []hook.Attempt{{
		Number: 1, StartedAt: epoch, Duration: 148 * time.Millisecond, Result: hook.ResultHTTPError, RemoteAddr: "192.0.2.1:443",
		Request:  hook.Request{Method: "POST", URL: "https://ci.example.com/hook?token=********", Headers: map[string][]string{"Authorization": {hook.Mask}}},
		Response: &hook.Response{Status: 502, Headers: map[string][]string{"Server": {"x"}}, Body: "bad\x1b[2Jgateway"},
	}}
	return m
}

// reset makes all that a caller can change as it was: a new site for every case
// would cost much more.
func (m *memory) reset() {
	fresh := newMemory()
	m.users, m.projects, m.members, m.policies = fresh.users, fresh.projects, fresh.members, fresh.policies
	m.jobs, m.attempts, m.lastID = fresh.jobs, fresh.attempts, fresh.lastID
}

// untouched says whether all that a caller can change is as it was.
func (m *memory) untouched() bool {
	fresh := newMemory()
	return reflect.DeepEqual(fresh.policies, m.policies) && reflect.DeepEqual(fresh.members, m.members) &&
		reflect.DeepEqual(fresh.users, m.users) && reflect.DeepEqual(fresh.projects, m.projects) && reflect.DeepEqual(fresh.jobs, m.jobs)
}

func find[T any](m *memory, list []T, match func(T) bool) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var zero T
	if m.broken != nil {
		return zero, m.broken
	}
	i := slices.IndexFunc(list, match)
	if i < 0 {
		return zero, fmt.Errorf("look up: %w", hook.ErrNotFound)
	}
	return list[i], nil
}

func pageOf[T any](list []T, page hook.JobPage) []T {
	from := min(page.Offset, len(list))
	return list[from:min(from+page.Limit, len(list))]
}

func (m *memory) AddAudit(_ context.Context, e hook.AuditEntry) error {
	e.ID, e.At = int64(len(m.audit)+1), epoch
	m.audit = append(m.audit, e)
	return m.auditBroken
}

func (m *memory) Audit(_ context.Context, projectID int64, page hook.JobPage) ([]hook.AuditEntry, int, error) {
	var found []hook.AuditEntry
	for _, e := range slices.Backward(m.audit) {
		if e.ProjectID == projectID {
			found = append(found, e)
		}
	}
	return pageOf(found, page), len(found), m.broken
}

func (m *memory) Ping(context.Context) error { return m.broken }

func (m *memory) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	return find(m, m.projects, func(p hook.Project) bool { return p.Name == name })
}

func (m *memory) Project(_ context.Context, id int64) (hook.Project, error) {
	return find(m, m.projects, func(p hook.Project) bool { return p.ID == id })
}

func (m *memory) Projects(_ context.Context, f hook.ProjectFilter, page hook.JobPage) ([]hook.Project, int, error) {
	m.projectFilter = f
	var found []hook.Project
	for _, p := range m.projects {
		member := slices.ContainsFunc(m.members, func(o hook.Member) bool { return o.ProjectID == p.ID && o.UserID == f.ReaderID })
		if (f.All || p.Public || member) && (f.Name == "" || f.Name == p.Name) && strings.Contains(p.Name, f.NameContains) &&
			(f.Public == nil || *f.Public == p.Public) {
			found = append(found, p)
		}
	}
	return pageOf(found, page), len(found), m.broken
}

func (m *memory) UpdateProject(_ context.Context, p *hook.Project) error {
	for i := range m.projects {
		if m.projects[i].ID == p.ID {
			m.projects[i] = *p
		}
	}
	return m.broken
}

func (m *memory) DeleteProject(_ context.Context, id int64) error {
	m.projects = slices.DeleteFunc(m.projects, func(p hook.Project) bool { return p.ID == id })
	return m.broken
}

func (m *memory) CreateProject(_ context.Context, p *hook.Project) error {
	if slices.ContainsFunc(m.projects, func(q hook.Project) bool { return q.Name == p.Name }) {
		return fmt.Errorf("create: %w", hook.ErrConflict)
	}
	m.lastID++
	p.ID = m.lastID
	m.projects = append(m.projects, *p)
	return m.broken
}

func (m *memory) UserByName(_ context.Context, name string) (hook.User, error) {
	return find(m, m.users, func(u hook.User) bool { return u.Username == name })
}

func (m *memory) User(_ context.Context, id int64) (hook.User, error) {
	return find(m, m.users, func(u hook.User) bool { return u.ID == id })
}

func (m *memory) SetPassword(_ context.Context, userID int64, hash string) error {
	for i := range m.users {
		if m.users[i].ID == userID {
			m.users[i].PasswordHash = hash
		}
	}
	return m.broken
}

func (m *memory) CreateUser(_ context.Context, u *hook.User) error {
	if slices.ContainsFunc(m.users, func(v hook.User) bool { return v.Username == u.Username }) {
		return fmt.Errorf("create: %w", hook.ErrConflict)
	}
	m.lastID++
	u.ID = m.lastID
	m.users = append(m.users, *u)
	return nil
}

func (m *memory) Users(_ context.Context, page hook.JobPage) ([]hook.User, int, error) {
	return pageOf(m.users, page), len(m.users), m.broken
}

func (m *memory) Members(_ context.Context, projectID int64) ([]hook.Member, error) {
	var found []hook.Member
	for _, member := range m.members {
		if member.ProjectID == projectID {
			found = append(found, member)
		}
	}
	return found, m.broken
}

func (m *memory) AddMember(_ context.Context, n *hook.Member) error {
	if slices.ContainsFunc(m.members, func(o hook.Member) bool { return o.ProjectID == n.ProjectID && o.UserID == n.UserID }) {
		return hook.ErrConflict
	}
	m.lastID++
	n.ID = m.lastID
	m.members = append(m.members, *n)
	return nil
}

func (m *memory) UpdateMember(_ context.Context, projectID, memberID int64, role hook.Role) error {
	for i := range m.members {
		if m.members[i].ID == memberID && m.members[i].ProjectID == projectID {
			m.members[i].Role = role
			return m.broken
		}
	}
	return cmp.Or(m.broken, hook.ErrNotFound)
}

func (m *memory) RemoveMember(_ context.Context, projectID, memberID int64) error {
	before := len(m.members)
	m.members = slices.DeleteFunc(m.members, func(o hook.Member) bool { return o.ID == memberID && o.ProjectID == projectID })
	if len(m.members) == before {
		return hook.ErrNotFound
	}
	return nil
}

func (m *memory) Jobs(_ context.Context, projectID int64, f hook.JobFilter, page hook.JobPage) ([]hook.Job, int, error) {
	m.filter, m.page = f, page
	var found []hook.Job
	for _, j := range m.jobs {
		if j.ProjectID == projectID {
			found = append(found, j)
		}
	}
	return pageOf(found, page), len(found), m.broken
}

func (m *memory) LastTriggers(_ context.Context, of []hook.Trigger) (map[hook.Trigger]time.Time, error) {
	last := map[hook.Trigger]time.Time{}
	for _, j := range m.jobs {
		if t := (hook.Trigger{PolicyID: j.PolicyID, HookType: j.HookType}); slices.Contains(of, t) {
			last[t] = j.CreationTime
		}
	}
	return last, m.broken
}

// Redeliver refuses running jobs.
func (m *memory) Redeliver(ctx context.Context, projectID, id int64) (int64, error) {
	j, err := m.Job(ctx, projectID, id)
	if err != nil {
		return 0, err
	}
	if j.Status == hook.StatusRunning {
		return 0, hook.Conflict("the job is running")
	}
	m.lastID++
	j.ID, j.RedeliveryOf, j.Status = m.lastID, j.ID, hook.StatusPending
	m.jobs = append(m.jobs, j)
	return j.ID, nil
}

func (m *memory) RedeliverAll(_ context.Context, _ int64, f hook.JobFilter) (hook.Redelivery, error) {
	m.filter = f
	return hook.Redelivery{IDs: []int64{101, 102}, Refused: map[int64]string{11: "the job's policy is disabled"}}, m.broken
}

func (m *memory) Count(_ context.Context, _ int64, f hook.JobFilter) (int, error) {
	m.filter = f
	return 3, m.broken
}

func (m *memory) Stop(ctx context.Context, projectID, id int64, by string) error {
	j, err := m.Job(ctx, projectID, id)
	if err != nil {
		return err
	}
	if j.Status.Final() {
		return hook.Conflict("the job is over")
	}
	m.jobs[0].Status, m.jobs[0].StatusMessage = hook.StatusStopped, by
	return nil
}

func (m *memory) Job(_ context.Context, projectID, id int64) (hook.Job, error) {
	return find(m, m.jobs, func(j hook.Job) bool { return j.ProjectID == projectID && j.ID == id })
}

func (m *memory) Attempts(_ context.Context, jobID int64) ([]hook.Attempt, error) {
	return m.attempts[jobID], m.broken
}

func (m *memory) Policies(_ context.Context, projectID int64) ([]hook.Policy, error) {
	var found []hook.Policy
	for _, p := range m.policies {
		if p.ProjectID == projectID {
			found = append(found, p)
		}
	}
	return found, m.broken
}

func (m *memory) Policy(_ context.Context, projectID, id int64) (hook.Policy, error) {
	return find(m, m.policies, func(p hook.Policy) bool { return p.ProjectID == projectID && p.ID == id })
}

func (m *memory) CreatePolicy(_ context.Context, p *hook.Policy) error {
	if err := m.check(*p); err != nil {
		return err
	}
	m.lastID++
	p.ID, p.CreationTime, p.UpdateTime = m.lastID, epoch, epoch
	m.policies = append(m.policies, *p)
	return nil
}

func (m *memory) RotateSecret(ctx context.Context, projectID, id int64, oldUntil time.Time) (string, error) {
	if _, err := m.Policy(ctx, projectID, id); err != nil {
		return "", err
	}
	m.policies[0].Secret, m.policies[0].OldSecretUntil = "whsec_new", oldUntil
	return m.policies[0].Secret, nil
}

func (m *memory) UpdatePolicy(_ context.Context, p *hook.Policy, seen time.Time) error {
	if err := m.check(*p); err != nil {
		return err
	}
	for i := range m.policies {
		if m.policies[i].ID == p.ID && m.policies[i].ProjectID == p.ProjectID {
			if m.meanwhile != nil {
				m.meanwhile()
			}
			if !seen.IsZero() && !seen.Equal(m.policies[i].UpdateTime) {
				return hook.ErrChanged
			}
			p.UpdateTime = m.policies[i].UpdateTime.Add(time.Second)
			m.policies[i] = *p
			return nil
		}
	}
	return hook.ErrNotFound
}

func (m *memory) Preview(_ context.Context, draft hook.Policy, last int) ([]hook.Verdict, error) {
	m.draft, m.last = draft, last
	if len(draft.HookTypes) == 0 {
		return nil, hook.Invalid("hook_types", "is empty")
	}
	return m.verdicts, m.broken
}

func (m *memory) Check(p *hook.Policy) error {
	if p.Name == "invalid" {
		return hook.Invalid("name", "is refused")
	}
	for i := range p.Targets {
		t := &p.Targets[i]
		t.Type, t.PayloadFormat = cmp.Or(t.Type, hook.TargetHTTP), cmp.Or(t.PayloadFormat, "Events")
	}
	return nil
}

func (m *memory) Test(_ context.Context, _ hook.Project, p hook.Policy, by string) (hook.Attempt, error) {
	m.tested, m.testedBy = p, by
	return m.attempt, m.broken
}

func (m *memory) check(p hook.Policy) error {
	if p.Name == "" {
		return hook.Invalid("name", "must not be empty")
	}
	if slices.ContainsFunc(m.policies, func(q hook.Policy) bool { return q.Name == p.Name && q.ID != p.ID && q.ProjectID == p.ProjectID }) {
		return fmt.Errorf("write: %w", hook.ErrConflict)
	}
	return m.broken
}

func (m *memory) DeletePolicy(_ context.Context, projectID, id int64) error {
	before := len(m.policies)
	m.policies = slices.DeleteFunc(m.policies, func(p hook.Policy) bool { return p.ID == id && p.ProjectID == projectID })
	if len(m.policies) == before {
		return hook.ErrNotFound
	}
	return nil
}

func (m *memory) Authenticate(_ context.Context, username, password, client string) (auth.Identity, error) {
	m.client = client
	if username == "guesser" {
		return auth.Identity{}, &auth.BackOffError{RetryAfter: 29500 * time.Millisecond}
	}
	i := slices.IndexFunc(m.users, func(u hook.User) bool { return u.Username == username && username == password })
	if i < 0 {
		return auth.Identity{}, auth.ErrUnauthenticated
	}
	return auth.Identity{User: m.users[i]}, nil
}

func (m *memory) Forget(username string) { m.forgotten = append(m.forgotten, username) }

func (m *memory) Can(_ context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error) {
	role := hook.RoleNone
	for _, member := range m.members {
		if !id.Anonymous && member.ProjectID == p.ID && member.UserID == id.User.ID {
			role = member.Role
		}
	}
	return auth.Allowed(id, p, role, a), nil
}

// intakeFunc is an Intake.
type intakeFunc func(ctx context.Context, body []byte) (int, int, error)

func (f intakeFunc) Envelope(ctx context.Context, body []byte) (int, int, error) { return f(ctx, body) }

// componentsFunc is a Components.
type componentsFunc func(ctx context.Context, body []byte) (int, error)

func (f componentsFunc) Events(ctx context.Context, body []byte) (int, error) { return f(ctx, body) }

// site is an API over a memory.
type site struct {
	*memory
	t        *testing.T
	api      *api.API
	log      *strings.Builder
	document *openapi.Document
}

// document is docs/openapi.yaml, which every answer of a site is held against.
var document = sync.OnceValues(openapi.Load)

func theDocument(t *testing.T) *openapi.Document {
	t.Helper()
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func newSite(t *testing.T, change ...func(*api.Config)) *site {
	t.Helper()
	s := &site{memory: newMemory(), t: t, log: &strings.Builder{}, document: theDocument(t)}
	c := api.Config{
		Store: s.memory, Policies: s.memory, Deliveries: s.memory, Tester: s.memory, Previewer: s.memory, Auth: s.memory, Catalog: event.DefaultCatalog(), Formats: formats{},
		Intake: intakeFunc(func(_ context.Context, body []byte) (int, int, error) {
			if !json.Valid(body) {
				return 0, 0, hook.Invalid("", "the body is not JSON")
			}
			return 2, 1, nil
		}),
		Components: componentsFunc(func(_ context.Context, body []byte) (int, error) {
			if !json.Valid(body) {
				return 0, hook.Invalid("/1/data/scan_overview", "is missing")
			}
			return 3, nil
		}),
		NotificationToken: "token", ComponentToken: "component", Version: "v1", Registry: "127.0.0.1:5000",
		Logger: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range change {
		f(&c)
	}
	s.api = api.New(c)
	return s
}

// do sends a request. Headers are "Name: value"; a body is JSON unless they say otherwise.
func (s *site) do(who, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if body != "" {
		r = httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
	}
	if who != nobody {
		r.SetBasicAuth(who, who)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	var sent []byte
	if !strings.HasPrefix(path, "/service/") { // what the fakes behind it take is not worth a look
		sent = []byte(body)
	}
	x := openapi.Exchange{Request: r, RequestBody: sent, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	if err := s.document.Check(x); err != nil {
		s.t.Error(err)
	}
	return w
}

// wantProblem checks status and format of a refusal, and returns its message.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int) string {
	t.Helper()
	if inSecondFamily(w) {
		return wantSecondProblem(t, w, status)
	}
	var body struct {
		Code    int
		Message string
	}
	decoder := json.NewDecoder(strings.NewReader(w.Body.String()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		t.Fatalf("answered %d %q, which is no problem: %v", w.Code, w.Body, err)
	}
	if w.Code != status || body.Code != status || body.Message == "" {
		t.Fatalf("answered %d %q, want %d", w.Code, w.Body, status)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type is %q", got)
	}
	if w.Header().Get("X-Request-Id") == "" {
		t.Error("the answer has no request id")
	}
	return body.Message
}

func inSecondFamily(w *httptest.ResponseRecorder) bool {
	return strings.HasPrefix(w.Body.String(), `{"errors"`)
}

// wantSecondProblem is wantProblem for the second family.
func wantSecondProblem(t *testing.T, w *httptest.ResponseRecorder, status int) string {
	t.Helper()
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body.Errors) != 1 {
		t.Fatalf("answered %d %q, which is no problem: %v", w.Code, w.Body, err)
	}
	if e := body.Errors[0]; w.Code != status || e.Code != strings.ToUpper(e.Code) || e.Code == "" || e.Message == "" {
		t.Fatalf("answered %d %q, want %d", w.Code, w.Body, status)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type is %q", got)
	}
	if w.Header().Get("X-Request-Id") == "" {
		t.Error("the answer has no request id")
	}
	return body.Errors[0].Message
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answered %d %q, want %d", w.Code, w.Body, status)
	}
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	wantStatus(t, w, http.StatusOK)
	var v T
	if err := json.NewDecoder(w.Body).Decode(&v); err != nil {
		t.Fatalf("decode: %v", err)
	}
	return v
}
