package client

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"
)

// pageSize is the most that the second family lists at a time.
const pageSize = 100

// Policy is what is read of a policy.
type Policy struct {
	ID         int64     `json:"id"`
	Name       string    `json:"name"`
	Enabled    bool      `json:"enabled"`
	EventTypes []string  `json:"event_types"`
	Targets    []Target  `json:"targets"`
	Filters    []Filter  `json:"filters"`
	UpdateTime time.Time `json:"update_time"`
}

// Target is where a policy sends to.
type Target struct {
	Type           string `json:"type,omitempty"`
	Address        string `json:"address"`
	AuthHeader     string `json:"auth_header,omitempty"`
	SkipCertVerify bool   `json:"skip_cert_verify"`
	PayloadFormat  string `json:"payload_format,omitempty"`
}

// Filter narrows a policy. Value is a regular expression or a list of names.
type Filter struct {
	Kind  string `json:"kind"`
	Value any    `json:"value"`
}

// Trial is what became of the test of a policy.
type Trial struct {
	Result     string `json:"result"`
	Status     int    `json:"status"`
	DurationMS int64  `json:"duration_ms"`
	Body       string `json:"body"`
}

// Policies returns all policies of a project, first to last.
func (c *Client) Policies(ctx context.Context, project string) ([]Object[Policy], error) {
	var all []Object[Policy]
	for number := 1; ; number++ {
		var page []Object[Policy]
		place := fmt.Sprintf("%s/policies?sort=id&page_size=%d&page=%d", webhooks(project), pageSize, number)
		if err := c.read(ctx, http.MethodGet, place, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
	}
}

// CreatePolicy creates a policy and returns it as it is stored. Body is encoded as
// JSON, and is what the API takes.
func (c *Client) CreatePolicy(ctx context.Context, project string, body any) (Object[Policy], error) {
	var created Object[Policy]
	r, err := c.do(ctx, http.MethodPost, webhooks(project)+"/policies", body)
	if err != nil {
		return created, err
	}
	id, err := strconv.ParseInt(path.Base(r.header.Get("Location")), 10, 64)
	if err != nil {
		return created, fmt.Errorf("the policy was created, but the answer does not say where: %q", r.header.Get("Location"))
	}
	if err := c.read(ctx, http.MethodGet, fmt.Sprintf("%s/policies/%d", webhooks(project), id), nil, &created); err != nil {
		return created, fmt.Errorf("policy %d was created, but cannot be read: %w", id, err)
	}
	return created, nil
}

// TestPolicy has the server send a sample to the first target of a policy.
func (c *Client) TestPolicy(ctx context.Context, project string, id int64) (Object[Trial], error) {
	var trial Object[Trial]
	err := c.read(ctx, http.MethodPost, fmt.Sprintf("%s/policies/%d/test", webhooks(project), id), nil, &trial)
	return trial, err
}
