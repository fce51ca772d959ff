package jobservice

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Reader looks jobs up for the API.
type Reader interface {
	JobByID(ctx context.Context, id int64) (hook.Job, error)
	Attempts(ctx context.Context, jobID int64) ([]hook.Attempt, error)
	Backlog(ctx context.Context) (map[hook.Status]int, error)
}

// APIConfig is what the HTTP API is made of.
type APIConfig struct {
	Service *Service
	Reader  Reader
	// Secret is what a caller must show as "Authorization: Harbor-Secret …".
	Secret string
	// Insider, if set, says whether the sender's network is one from which the API may
	// be called. It is asked before the secret is looked at.
	Insider func(*http.Request) bool
	// AuthFailed, if set, counts callers who did not show the secret, or come from
	// elsewhere.
	AuthFailed func()
	Log        *slog.Logger
}

// API is JobService's HTTP API.
type API struct {
	APIConfig

	// complained is when a caller who may not call was last logged.
	mu         sync.Mutex
	complained time.Time
}

// NewAPI returns the API.
func NewAPI(cfg APIConfig) *API { return &API{APIConfig: cfg} }

// Handler serves, to insiders who show the secret:
//
//	POST /api/v1/jobs             hint that rows are due
//	GET  /api/v1/jobs/{id}        one job
//	GET  /api/v1/jobs/{id}/log    its attempts as text
//	GET  /api/v1/stats            workers, window and backlog
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/jobs", a.submit)
	mux.HandleFunc("GET /api/v1/jobs/{id}", a.job)
	mux.HandleFunc("GET /api/v1/jobs/{id}/log", a.jobLog)
	mux.HandleFunc("GET /api/v1/stats", a.stats)
	return a.OnlyInsiders(a.authorised(mux))
}

// OnlyInsiders refuses callers from other networks than Insider knows.
func (a *API) OnlyInsiders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Insider != nil && !a.Insider(r) {
			a.stranger(r, "a caller of JobService comes from a network that is not in HARBORHOOK_INTERNAL_NETWORKS")
			fail(w, http.StatusForbidden, codeUnauthorized, "this address may not call JobService")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// complainEvery is how often callers who may not call are logged.
const complainEvery = time.Minute

// stranger counts a caller who may not call, and says why now and then.
func (a *API) stranger(r *http.Request, why string) {
	if a.AuthFailed != nil {
		a.AuthFailed()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Sub(a.complained) >= complainEvery {
		a.complained = now
		a.Log.Warn(why, "client", r.RemoteAddr)
	}
}

// The error codes are those of Harbor's JobService.
const (
	codeMalformed    = 10001
	codeSubmit       = 10003
	codeStats        = 10005
	codeNotFound     = 10010
	codeUnauthorized = 10011
	codeBadRequest   = 10013
)

func (a *API) authorised(next http.Handler) http.Handler {
	want := sha256.Sum256([]byte("Harbor-Secret " + a.Secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			a.stranger(r, "a caller of JobService does not show the secret")
			fail(w, http.StatusUnauthorized, codeUnauthorized, "the secret is missing or wrong")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SubmitRequest is the body of POST /api/v1/jobs, in the shape of Harbor's.
type SubmitRequest struct {
	Job SubmittedJob `json:"job"`
}

// SubmittedJob says what is to be done.
type SubmittedJob struct {
	// Name is the kind: "WEBHOOK".
	Name       string           `json:"name"`
	Parameters SubmitParameters `json:"parameters"`
	Metadata   SubmitMetadata   `json:"metadata"`
}

// SubmitParameters names the rows. Ids are strings: they may exceed what a JSON
// number holds exactly.
type SubmitParameters struct {
	IDs []string `json:"ids"`
}

// SubmitMetadata is Harbor's; only the kind "Generic" exists here.
type SubmitMetadata struct {
	Kind     string `json:"kind,omitempty"`
	Priority uint   `json:"priority,omitempty"`
}

const (
	maxSubmitBody = 1 << 20
	maxSubmitIDs  = 10_000
)

func (a *API) submit(w http.ResponseWriter, r *http.Request) {
	var in SubmitRequest
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSubmitBody))
	if err := decoder.Decode(&in); err != nil {
		fail(w, http.StatusBadRequest, codeMalformed, "the body is no JSON of a job")
		return
	}
	if in.Job.Name != kindWebhook {
		fail(w, http.StatusBadRequest, codeBadRequest, fmt.Sprintf("job.name is %q; the one kind is %q", in.Job.Name, kindWebhook))
		return
	}
	ids, err := parseIDs(in.Job.Parameters.IDs)
	if err != nil {
		fail(w, http.StatusBadRequest, codeBadRequest, err.Error())
		return
	}
	if err := a.Service.Submit(r.Context(), ids); err != nil {
		a.Log.Warn("cannot hand jobs to the queue; they wait in the database", "jobs", len(ids), "error", err)
		fail(w, http.StatusServiceUnavailable, codeSubmit, "the queue does not answer; the jobs wait in the database")
		return
	}
	id := in.Job.Parameters.IDs[0]
	answer(w, http.StatusAccepted, map[string]any{"job": map[string]any{
		"id": id, "name": kindWebhook, "kind": "Generic", "unique": false, "status": "Pending",
		"ref_link": "/api/v1/jobs/" + id, "enqueue_time": time.Now().Unix(), "parameters": in.Job.Parameters,
	}})
}

func parseIDs(text []string) ([]int64, error) {
	if len(text) == 0 || len(text) > maxSubmitIDs {
		return nil, fmt.Errorf("job.parameters.ids has %d entries; 1 to %d are taken", len(text), maxSubmitIDs)
	}
	ids := make([]int64, len(text))
	for i, t := range text {
		id, err := strconv.ParseInt(t, 10, 64)
		if err != nil || id <= 0 {
			return nil, fmt.Errorf("job.parameters.ids[%d] is no id of a job", i)
		}
		ids[i] = id
	}
	return ids, nil
}

// find answers 404 itself when there is no such job.
func (a *API) find(w http.ResponseWriter, r *http.Request) (hook.Job, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		var j hook.Job
		if j, err = a.Reader.JobByID(r.Context(), id); err == nil {
			return j, true
		}
		if !errors.Is(err, hook.ErrNotFound) {
			a.internal(w, "read a job", err)
			return hook.Job{}, false
		}
	}
	fail(w, http.StatusNotFound, codeNotFound, "no such job")
	return hook.Job{}, false
}

func (a *API) job(w http.ResponseWriter, r *http.Request) {
	j, ok := a.find(w, r)
	if !ok {
		return
	}
	answer(w, http.StatusOK, map[string]any{"job": map[string]any{
		"id": strconv.FormatInt(j.ID, 10), "uuid": j.UUID, "name": kindWebhook, "kind": "Generic", "unique": false,
		"status": j.Status, "status_message": j.StatusMessage, "attempts": j.Attempts, "http_status": j.HTTPStatus,
		"ref_link": "/api/v1/jobs/" + strconv.FormatInt(j.ID, 10), "enqueue_time": j.CreationTime.Unix(), "update_time": j.UpdateTime.Unix(),
	}})
}

func (a *API) jobLog(w http.ResponseWriter, r *http.Request) {
	j, ok := a.find(w, r)
	if !ok {
		return
	}
	attempts, err := a.Reader.Attempts(r.Context(), j.ID)
	if err != nil {
		a.internal(w, "read attempts", err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	io.WriteString(w, hook.Transcript(j, attempts)) //nolint:errcheck // the caller has gone
}

func (a *API) stats(w http.ResponseWriter, r *http.Request) {
	backlog, err := a.Reader.Backlog(r.Context())
	if err != nil {
		fail(w, http.StatusServiceUnavailable, codeStats, "the database does not answer")
		return
	}
	queued, err := a.Service.cfg.Queue.Waiting(r.Context(), kindWebhook)
	status := "Healthy"
	if err != nil {
		status = "Degraded"
	}
	answer(w, http.StatusOK, map[string]any{"worker_pools": []any{map[string]any{
		"job_names": []string{kindWebhook}, "concurrency": a.Service.cfg.Workers, "status": status,
		"under_way": a.Service.dispatcher.lanes.underWay(), "hints_waiting": queued, "jobs": backlog,
	}}})
}

func (a *API) internal(w http.ResponseWriter, doing string, err error) {
	a.Log.Error("jobservice api", "doing", doing, "error", err)
	if errors.Is(err, hook.ErrUnavailable) {
		fail(w, http.StatusServiceUnavailable, codeSubmit, "the database does not answer")
		return
	}
	fail(w, http.StatusInternalServerError, codeSubmit, "internal error")
}

func fail(w http.ResponseWriter, status, code int, message string) {
	answer(w, status, map[string]any{"code": code, "message": strings.TrimSpace(message), "details": ""})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) //nolint:errcheck,errchkjson // the caller has gone
}
