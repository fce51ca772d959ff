// Package bare is the least that a webhook system can do and still lose nothing: it
// takes an event, commits a row for each target, answers, posts, and marks the row.
// Nothing is queued outside the process, retried, signed, searched or logged, and
// what a crash leaves behind is not picked up. It shows what a machine can do at most.
package bare

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"
)

const (
	// senders is how many deliveries are under way at once.
	senders = 64
	// writers is how many transactions accept events side by side, and finishers how
	// many mark deliveries.
	writers, finishers = 2, 1
	// batchRows bounds the rows of one statement.
	batchRows = 500
)

// delivery is one row.
type delivery struct {
	id      int64
	key     string
	target  string
	payload string
	project *project
}

// event is what one POST brings; stored is told when its rows are committed.
type event struct {
	deliveries []*delivery
	stored     chan error
}

// project is a name with targets, and how many deliveries to them are marked.
type project struct {
	targets  []string
	finished atomic.Int64
}

// server answers the routes that the benchmark calls.
type server struct {
	db       *sql.DB
	client   *http.Client
	accepted chan *event
	due      chan *delivery
	sent     chan *delivery

	mu       sync.Mutex
	projects map[string]*project
}

// Serve runs it on an address over PostgreSQL until ctx ends. It makes its table.
func Serve(ctx context.Context, address, databaseURL string) error {
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer db.Close()
	db.SetMaxIdleConns(writers + finishers)
	if _, err := db.ExecContext(ctx, `CREATE TABLE delivery (id bigserial PRIMARY KEY, key text NOT NULL UNIQUE,
			target text NOT NULL, payload text NOT NULL, status text NOT NULL, next_at bigint NOT NULL);
		CREATE INDEX ON delivery (next_at) WHERE status = 'pending'`); err != nil {
		return fmt.Errorf("make the table: %w", err)
	}
	s := &server{
		db: db, projects: map[string]*project{},
		client:   &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders, DisableCompression: true}},
		accepted: make(chan *event, batchRows), due: make(chan *delivery, 1<<17), sent: make(chan *delivery, 1<<17),
	}
	failed := s.start(ctx)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute}
	defer web.Close()
	go web.Serve(l)
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// start starts the workers. Whatever fails ends the measurement.
func (s *server) start(ctx context.Context) (failed <-chan error) {
	errs := make(chan error, writers+finishers+senders)
	work := func(n int, f func(context.Context) error) {
		for range n {
			go func() { errs <- f(ctx) }()
		}
	}
	work(writers, s.write)
	work(senders, s.send)
	work(finishers, s.finish)
	return errs
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /service/notifications", s.notify)
	mux.HandleFunc("POST /api/projects", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("POST /api/projects/{project}/webhook/policies", s.addTarget)
	mux.HandleFunc("GET /api/projects/{project}/webhook/jobs", s.count)
	return mux
}

func (s *server) project(name string) *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projects[name]
	if p == nil {
		p = &project{}
		s.projects[name] = p
	}
	return p
}

func (s *server) addTarget(w http.ResponseWriter, r *http.Request) {
	var policy struct {
		Target string `json:"target"`
	}
	if err := json.NewDecoder(r.Body).Decode(&policy); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p := s.project(r.PathValue("project"))
	s.mu.Lock()
	p.targets = append(p.targets, policy.Target)
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
}

func (s *server) count(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Total-Count", strconv.FormatInt(s.project(r.PathValue("project")).finished.Load(), 10))
}

// envelope is what is needed of a registry's notification.
type envelope struct {
	Events []struct {
		ID        string    `json:"id"`
		Timestamp time.Time `json:"timestamp"`
		Target    struct {
			Repository string `json:"repository"`
			Digest     string `json:"digest"`
			Tag        string `json:"tag"`
		} `json:"target"`
		Actor struct {
			Name string `json:"name"`
		} `json:"actor"`
	} `json:"events"`
}

// payload has the size and shape of a webhook of Harbor.
type payload struct {
	Type      string    `json:"type"`
	OccurAt   int64     `json:"occur_at"`
	Operator  string    `json:"operator"`
	EventData eventData `json:"event_data"`
}

type eventData struct {
	Resources  []resource `json:"resources"`
	Repository repository `json:"repository"`
}

type resource struct {
	Digest string `json:"digest"`
	Tag    string `json:"tag"`
	URL    string `json:"resource_url"`
}

type repository struct {
	Created   int64  `json:"date_created"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	FullName  string `json:"repo_full_name"`
	Type      string `json:"repo_type"`
}

// notify answers when the rows of the event are committed.
func (s *server) notify(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	e, err := s.read(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.accepted <- e
	if err := <-e.stored; err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, `{"accepted":1}`)
}

func (s *server) read(body []byte) (*event, error) {
	var sent envelope
	if err := json.Unmarshal(body, &sent); err != nil {
		return nil, err
	}
	e := &event{stored: make(chan error, 1)}
	for _, one := range sent.Events {
		namespace, name, _ := strings.Cut(one.Target.Repository, "/")
		text, err := json.Marshal(payload{"pushImage", one.Timestamp.Unix(), one.Actor.Name, eventData{
			[]resource{{one.Target.Digest, one.Target.Tag, "registry.example.com/" + one.Target.Repository + ":" + one.Target.Tag}},
			repository{one.Timestamp.Unix(), name, namespace, one.Target.Repository, "private"},
		}})
		if err != nil {
			return nil, err
		}
		p := s.project(namespace)
		for i, target := range p.targets {
			e.deliveries = append(e.deliveries, &delivery{key: one.ID + "/" + strconv.Itoa(i), target: target, payload: string(text), project: p})
		}
	}
	return e, nil
}

// next waits for one of a channel and takes what else is there, up to most.
func next[T any](ctx context.Context, from <-chan T, most int) ([]T, error) {
	var all []T
	select {
	case one := <-from:
		all = append(all, one)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for len(all) < most {
		select {
		case one := <-from:
			all = append(all, one)
		default:
			return all, nil
		}
	}
	return all, nil
}

// write commits what was accepted, with one statement for all that waits.
func (s *server) write(ctx context.Context) error {
	insert, err := s.db.PrepareContext(ctx, `INSERT INTO delivery (key, target, payload, status, next_at)
		SELECT key, target, payload, 'pending', 0 FROM unnest($1::text[], $2::text[], $3::text[]) AS row (key, target, payload) RETURNING id`)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer insert.Close()
	for {
		events, err := next(ctx, s.accepted, batchRows)
		if err != nil {
			return nil // it is to end
		}
		var all []*delivery
		for _, e := range events {
			all = append(all, e.deliveries...)
		}
		err = store(ctx, insert, all)
		for _, e := range events {
			e.stored <- err
		}
		if err != nil {
			return err
		}
		for _, d := range all {
			s.due <- d
		}
	}
}

func store(ctx context.Context, insert *sql.Stmt, all []*delivery) error {
	var keys, targets, payloads pq.StringArray
	for _, d := range all {
		keys, targets, payloads = append(keys, d.key), append(targets, d.target), append(payloads, d.payload)
	}
	rows, err := insert.QueryContext(ctx, keys, targets, payloads)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if err := rows.Scan(&all[i].id); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	return rows.Err()
}

// send posts one delivery after the other.
func (s *server) send(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-s.due:
			if err := s.post(ctx, d); err != nil {
				return err
			}
			s.sent <- d
		}
	}
}

func (s *server) post(ctx context.Context, d *delivery) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.target, bytes.NewReader([]byte(d.payload)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// finish marks what was delivered, with one statement for all that waits.
func (s *server) finish(ctx context.Context) error {
	mark, err := s.db.PrepareContext(ctx, `UPDATE delivery SET status = 'finished' WHERE id = ANY($1)`)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer mark.Close()
	for {
		all, err := next(ctx, s.sent, batchRows)
		if err != nil {
			return nil // it is to end
		}
		ids := make(pq.Int64Array, len(all))
		for i, d := range all {
			ids[i] = d.id
		}
		if _, err := mark.ExecContext(ctx, ids); err != nil {
			return fmt.Errorf("mark: %w", err)
		}
		for _, d := range all {
			d.project.finished.Add(1)
		}
	}
}
