package api_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/stream"
	"github.com/harborhook/harborhook/src/hook"
)

// news is what a hub reads: jobs that appear one after the other.
type news struct {
	mu   sync.Mutex
	jobs []hook.Job
}

func (n *news) add(j hook.Job) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.jobs = append(n.jobs, j)
}

func (n *news) NewestJob(context.Context) (int64, error) { return 0, nil }

func (n *news) JobsAfter(_ context.Context, after int64, _ []int64, _ int) ([]hook.Job, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var fresh []hook.Job
	for _, j := range n.jobs {
		if j.ID > after {
			fresh = append(fresh, j)
		}
	}
	return fresh, nil
}

func (n *news) JobTimes(context.Context, []int64) (map[int64]time.Time, error) { return nil, nil }

func (n *news) UnfinishedJobs(context.Context, int64, int) (map[int64]time.Time, error) {
	return nil, nil
}

func (n *news) LightJobs(context.Context, []int64) ([]hook.Job, error) { return nil, nil }

// broadcast is a site that is served for real, with a hub.
type broadcast struct {
	*site
	news   *news
	server *httptest.Server
	stop   func()
}

func newBroadcast(t *testing.T, change ...func(*api.Config)) *broadcast {
	t.Helper()
	b := &broadcast{news: &news{}}
	hub := stream.New(b.news, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	b.stop = sync.OnceFunc(func() { cancel(); <-done })
	b.site = newSite(t, append(change, func(c *api.Config) { c.Stream = hub })...)
	// The deadlines of the server are not those of the stream.
	b.server = httptest.NewUnstartedServer(b.api)
	b.server.Config.ReadTimeout, b.server.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	b.server.Start()
	t.Cleanup(func() { b.stop(); b.server.Close() })
	return b
}

// listen opens a stream and returns its events, up to an empty line each. The
// first one has come already when it returns.
func (b *broadcast) listen(t *testing.T, path string, headers ...string) (*http.Response, func() string) {
	t.Helper()
	credentials := base64.StdEncoding.EncodeToString([]byte(master + ":" + master))
	return b.listenAs(t, path, append(headers, "Authorization: Basic "+credentials)...)
}

// listenAs is listen with credentials of the caller's.
func (b *broadcast) listenAs(t *testing.T, path string, headers ...string) (*http.Response, func() string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := b.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewReader(resp.Body)
	next := func() string {
		var event strings.Builder
		for {
			line, err := lines.ReadString('\n')
			event.WriteString(line)
			if err == io.EOF || line == "\n" {
				return event.String()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if resp.StatusCode == http.StatusOK {
		if got := next(); got != ": listening\n\n" {
			t.Fatalf("begins with %q", got)
		}
	}
	return resp, next
}

// parts reads an event of the stream.
func parts(t *testing.T, event string) (id string, data map[string]any) {
	t.Helper()
	lines := strings.Split(event, "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "id: ") || lines[1] != "event: delivery" || !strings.HasPrefix(lines[2], "data: ") {
		t.Fatalf("no event: %q", event)
	}
	if err := json.Unmarshal([]byte(lines[2][len("data: "):]), &data); err != nil {
		t.Fatal(err)
	}
	if err := theDocument(t).Components.Schemas["StreamedJob"].Value.VisitJSON(data); err != nil {
		t.Errorf("docs/openapi.yaml does not fit %v: %v", data, err)
	}
	return lines[0][len("id: "):], data
}

const streamPath = "/api/projects/p1/webhook/stream"

func delivery(id int64, repository string) hook.Job {
	return hook.Job{
		ID: id, ProjectID: 1, PolicyID: 3, NotifyType: hook.TargetHTTP, HookType: hook.PushImage, Repository: repository, Tag: "v1", Status: hook.StatusFinished,
		CreationTime: epoch, UpdateTime: epoch,
	}
}

func TestTheStreamTellsOfDeliveries(t *testing.T) {
	t.Parallel()
	b := newBroadcast(t)
	resp, next := b.listen(t, streamPath)
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-store"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	// The server would have ended a plain answer by now.
	timer := time.NewTimer(500 * time.Millisecond)
	<-timer.C
	b.news.add(delivery(50, "app"))
	id, data := parts(t, next())
	if want := fmt.Sprintf("%d-50", epoch.UnixMicro()); id != want {
		t.Errorf("id is %q, want %q", id, want)
	}
	if _, ok := data["job_detail"]; ok || data["status"] != "finished" || data["repository"] != "app" || data["tag"] != "v1" || data["hook_type"] != "pushImage" {
		t.Errorf("data is %v", data)
	}
}

func TestAListenerHearsWhatHeAskedFor(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]float64{
		"":                     {50, 51, 52},
		"?repository=web":      {51},
		"?hook_type=pullImage": {52},
		"?policy_id=3":         {50, 51, 52},
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			b := newBroadcast(t)
			_, next := b.listen(t, streamPath+query)
			pull := delivery(52, "app")
			pull.HookType = hook.PullImage
			for _, j := range []hook.Job{delivery(50, "app"), delivery(51, "web"), pull} {
				b.news.add(j)
			}
			var got []float64
			for range want {
				_, data := parts(t, next())
				got = append(got, data["id"].(float64))
			}
			b.stop()
			if end := next(); end != ": the server stops; come back with Last-Event-ID\n\n" {
				t.Errorf("ends with %q", end)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheStreamHasBodiesForWhoAsks(t *testing.T) {
	t.Parallel()
	b := newBroadcast(t)
	_, next := b.listen(t, "/api/v2.0/projects/p1/webhook/stream?payload=true")
	b.news.add(delivery(11, "app")) // which the site has too, with a body
	_, data := parts(t, next())
	if data["job_detail"] != string(b.jobs[0].Detail) || data["status"] != "Success" {
		t.Errorf("data is %v", data)
	}
}

func TestAListenerWhoComesBackHearsWhatHeMissed(t *testing.T) {
	t.Parallel()
	b := newBroadcast(t)
	left := time.Now().Add(-time.Hour).Truncate(time.Microsecond).UTC()
	_, next := b.listen(t, streamPath, fmt.Sprintf("Last-Event-ID: %d-7", left.UnixMicro()))
	for _, j := range b.jobs {
		if _, data := parts(t, next()); data["id"] != float64(j.ID) {
			t.Errorf("told of %v, want %d", data["id"], j.ID)
		}
	}
	if want := left.Add(-5 * time.Second); !b.since.Equal(want) {
		t.Errorf("what changed since %v, want %v", b.since, want)
	}
	b.news.add(delivery(50, "app"))
	if _, data := parts(t, next()); data["id"] != 50.0 {
		t.Errorf("then told of %v", data["id"])
	}
	_, next = b.listen(t, streamPath, "Last-Event-ID: 1000000-7")
	if got := next(); got != ": what happened more than a day ago is left out\n\n" {
		t.Errorf("begins with %q", got)
	}
}

func TestAStreamThatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBroadcast(t)
	for header, status := range map[string]int{
		"Last-Event-ID: x": 400, "Last-Event-ID: 1": 400, "Last-Event-ID: -1-2": 400, "Last-Event-ID: 1-99999999999999999999": 400,
	} {
		wantProblem(t, b.do(master, "GET", streamPath, "", header), status)
	}
	wantProblem(t, b.do(master, "GET", "/api/v2.0/projects/p1/webhook/stream", "", "Last-Event-ID: x"), http.StatusUnprocessableEntity)
	for _, query := range []string{"?policy_id=x", "?hook_type=nothing", "?payload=maybe", "?repository=%00"} {
		wantProblem(t, b.do(master, "GET", streamPath+query, ""), http.StatusBadRequest)
	}
	w := b.do(master, "HEAD", streamPath, "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	b.stop()
	w = b.do(master, "GET", streamPath, "")
	if wantProblem(t, w, http.StatusServiceUnavailable); w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	wantProblem(t, newSite(t).do(master, "GET", streamPath, ""), http.StatusNotFound)
}

// endingSessions are over once somebody says so.
type endingSessions struct {
	api.Sessions
	over atomic.Bool
}

func (e *endingSessions) Peek(ctx context.Context, token string) (auth.Session, error) {
	if e.over.Load() {
		return auth.Session{}, auth.ErrUnauthenticated
	}
	return auth.Session{Token: token, Identity: auth.Identity{User: hook.User{ID: 1, Username: root, SysAdmin: true}}}, nil
}

func (e *endingSessions) Session(ctx context.Context, token string) (auth.Session, error) {
	return e.Peek(ctx, token)
}

func TestAListenerWhoseSessionIsOverIsSentAway(t *testing.T) {
	t.Parallel()
	sessions := &endingSessions{}
	b := newBroadcast(t, func(c *api.Config) { c.Sessions, c.Heartbeat = sessions, 10*time.Millisecond })
	resp, next := b.listenAs(t, streamPath, "Cookie: sid=token")
	if got := next(); got != ": alive\n\n" {
		t.Fatalf("status %d, hears %q", resp.StatusCode, got)
	}
	sessions.over.Store(true)
	for got := next(); got != ": no longer allowed\n\n"; got = next() {
		if got != ": alive\n\n" {
			t.Fatalf("hears %q", got)
		}
	}
	if rest := next(); rest != "" {
		t.Errorf("then hears %q", rest)
	}
}
