package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/tests/openapi"
)

// Client speaks the API of Core as one user. What it sends and is answered is held
// against docs/openapi.yaml, and what is secret in it may not come back.
type Client struct {
	base, username, password string
	limit                    time.Duration // of one call; 0: callLimit
	document                 *openapi.Document
	secrets                  *secrets
	// t is told of what does not fit the document when nobody else is there.
	t T
}

// Reply is what the API answered.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	Took   time.Duration
}

// Policy is a webhook policy as it is written.
type Policy struct {
	Name       string   `json:"name"`
	HookTypes  []string `json:"hook_types"`
	Filters    []Filter `json:"filters,omitempty"`
	Target     string   `json:"target"`
	AuthHeader string   `json:"auth_header,omitempty"`
	Secret     string   `json:"secret,omitempty"`
	Format     string   `json:"payload_format,omitempty"`
	Template   string   `json:"payload_template,omitempty"`

	SkipCertVerify bool `json:"skip_cert_verify,omitempty"`
}

// Filter is a filter of a policy; Value is a string or a list of strings.
type Filter struct {
	Kind  string `json:"kind"`
	Value any    `json:"value"`
}

// Job is a webhook job as it is read.
type Job struct {
	ID            int64  `json:"id"`
	UUID          string `json:"uuid"`
	PolicyID      int64  `json:"policy_id"`
	HookType      string `json:"hook_type"`
	Status        string `json:"status"`
	StatusMessage string `json:"status_message"`
	JobDetail     string `json:"job_detail"`
	Repository    string `json:"repository"`
	Tag           string `json:"tag"`
	Attempts      int    `json:"attempts"`
	HTTPStatus    int    `json:"http_status"`
}

// Final says whether nothing more will happen to the job.
func (j Job) Final() bool {
	return j.Status == "finished" || j.Status == "error" || j.Status == "stopped"
}

// Attempt is an attempt of a job as it is read.
type Attempt struct {
	Number    int       `json:"number"`
	StartedAt time.Time `json:"started_at"`
	Result    string    `json:"result"`
	Error     string    `json:"error"`
	Request   struct {
		Method  string      `json:"method"`
		URL     string      `json:"url"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
	} `json:"request"`
	Response *struct {
		Status  int         `json:"status"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"body"`
		// Truncated says that there was more, or should have been.
		Truncated bool `json:"truncated"`
	} `json:"response"`
}

// callLimit bounds a request to the API.
const callLimit = 30 * time.Second

// Do sends a request whose body is a value that is written as JSON, or a string
// that is sent as it is. Headers are name, value pairs over the usual ones.
func (c *Client) Do(t T, method, address string, body any, headers ...string) Reply {
	t.Helper()
	reply, err := c.send(t, method, address, body, headers...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, address, err)
	}
	return reply
}

// Try is Do for servers that may be down.
func (c *Client) Try(method, address string, body any, headers ...string) (Reply, error) {
	c.t.Helper()
	return c.send(c.t, method, address, body, headers...)
}

func (c *Client) send(t T, method, address string, body any, headers ...string) (Reply, error) {
	t.Helper()
	content, err := encode(body)
	if err != nil {
		return Reply{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(c.limit, callLimit))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+address, bytes.NewReader(content))
	if err != nil {
		return Reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.username != "" {
		req.SetBasicAuth(c.username, c.password)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	c.secrets.sent(content)
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	reply := Reply{Status: resp.StatusCode, Header: resp.Header, Body: string(text), Took: time.Since(begin)}
	if err != nil {
		return reply, err
	}
	x := openapi.Exchange{Request: req, RequestBody: content, Status: reply.Status, Header: reply.Header, Body: text}
	if err := c.document.Check(x); err != nil {
		t.Errorf("%v", err)
	}
	c.secrets.answered(t, method, req.URL.Path, reply.Header, text)
	return reply, nil
}

func encode(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	default:
		return json.Marshal(b)
	}
}

// create posts a new object and returns its id.
func (c *Client) create(t T, address string, body any) int64 {
	t.Helper()
	reply := c.Do(t, http.MethodPost, address, body)
	id, err := strconv.ParseInt(path.Base(reply.Header.Get("Location")), 10, 64)
	if reply.Status != http.StatusCreated || err != nil {
		t.Fatalf("POST %s: %d, Location %q: %s", address, reply.Status, reply.Header.Get("Location"), reply.Body)
	}
	return id
}

// read gets an object.
func (c *Client) read(t T, address string, to any) {
	t.Helper()
	reply := c.Do(t, http.MethodGet, address, nil)
	if reply.Status != http.StatusOK {
		t.Fatalf("GET %s: %d: %s", address, reply.Status, reply.Body)
	}
	if err := json.Unmarshal([]byte(reply.Body), to); err != nil {
		t.Fatalf("GET %s: %v: %s", address, err, reply.Body)
	}
}

// CreateProject creates a project and returns its id.
func (c *Client) CreateProject(t T, name string, public bool) int64 {
	t.Helper()
	return c.create(t, "/api/projects", map[string]any{
		"project_name": name, "metadata": map[string]string{"public": strconv.FormatBool(public)},
	})
}

// CreateUser creates a user.
func (c *Client) CreateUser(t T, username, password string) {
	t.Helper()
	c.create(t, "/api/users", map[string]any{
		"username": username, "password": password, "email": username + "@example.com", "realname": username,
	})
}

// AddMember gives a user a role in a project; the numbers are Harbor's.
func (c *Client) AddMember(t T, project, username string, role int) {
	t.Helper()
	c.create(t, "/api/projects/"+project+"/members", map[string]any{
		"role_id": role, "member_user": map[string]string{"username": username},
	})
}

// CreatePolicy creates a policy and returns its id.
func (c *Client) CreatePolicy(t T, project string, p Policy) int64 {
	t.Helper()
	return c.create(t, Policies(project), p)
}

// Policies is the address of a project's policies.
func Policies(project string) string { return "/api/projects/" + project + "/webhook/policies" }

// JobsOf is the address of a project's jobs.
func JobsOf(project string) string { return "/api/projects/" + project + "/webhook/jobs" }

// Jobs returns the jobs of a project, oldest first, 500 at most.
func (c *Client) Jobs(t T, project string) []Job {
	t.Helper()
	var jobs []Job
	c.read(t, JobsOf(project)+"?"+url.Values{"page_size": {"500"}, "sort": {"id"}}.Encode(), &jobs)
	return jobs
}

// Attempts returns the attempts of a job, first to last.
func (c *Client) Attempts(t T, project string, job int64) []Attempt {
	t.Helper()
	var attempts []Attempt
	c.read(t, fmt.Sprintf("%s/%d/attempts", JobsOf(project), job), &attempts)
	return attempts
}

// Log returns the log of a job.
func (c *Client) Log(t T, project string, job int64) string {
	t.Helper()
	reply := c.Do(t, http.MethodGet, fmt.Sprintf("%s/%d/log", JobsOf(project), job), nil)
	if reply.Status != http.StatusOK {
		t.Fatalf("log of job %d: %d: %s", job, reply.Status, reply.Body)
	}
	return reply.Body
}

// FinalJobs waits until a project has n jobs and nothing more will happen to
// them, and returns them, oldest first. More than n jobs fail the test.
func (c *Client) FinalJobs(t T, project string, n int, limit time.Duration) []Job {
	t.Helper()
	var jobs []Job
	Eventually(t, limit, fmt.Sprintf("%d final jobs in %s", n, project), func() bool {
		jobs = c.Jobs(t, project)
		if len(jobs) > n {
			t.Fatalf("project %s has %d jobs, want %d: %+v", project, len(jobs), n, jobs)
		}
		for _, j := range jobs {
			if !j.Final() {
				return false
			}
		}
		return len(jobs) == n
	})
	return jobs
}
