// Package client submits jobs to JobService over HTTP.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client submits to one JobService. It is safe for concurrent use.
type Client struct {
	base   string
	secret string
	http   *http.Client
}

// New returns a client of the JobService at a base URL such as
// http://127.0.0.1:8888. secret is what Core and JobService share.
func New(baseURL, secret string) *Client {
	return &Client{
		base: strings.TrimSuffix(baseURL, "/"), secret: secret,
		// The address is the operator's own, so the guard for users' addresses does not apply.
		http: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}},
	}
}

type request struct {
	Job job `json:"job"`
}

type job struct {
	Name       string            `json:"name"`
	Parameters parameters        `json:"parameters"`
	Metadata   map[string]string `json:"metadata"`
}

type parameters struct {
	IDs []string `json:"ids"`
}

// Submit hints that these rows of the table webhook_job are due.
func (c *Client) Submit(ctx context.Context, ids []int64) error {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	body, err := json.Marshal(request{job{Name: "WEBHOOK", Parameters: parameters{text}, Metadata: map[string]string{"kind": "Generic"}}})
	if err != nil {
		return fmt.Errorf("submit %d jobs: %w", len(ids), err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1/jobs", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("submit %d jobs: %w", len(ids), err)
	}
	req.Header.Set("Authorization", "Harbor-Secret "+c.secret)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("submit %d jobs: %w", len(ids), err)
	}
	defer resp.Body.Close()                                               //nolint:errcheck // read only
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxDiscarded)) // so that the connection can be used again
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("submit %d jobs: jobservice answered %d", len(ids), resp.StatusCode)
	}
	if err != nil {
		return fmt.Errorf("submit %d jobs: %w", len(ids), err)
	}
	return nil
}

const maxDiscarded = 1 << 20

// Ping answers nil while JobService can do its work.
func (c *Client) Ping(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ping jobservice: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ping jobservice: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("jobservice answered %d", resp.StatusCode)
	}
	return nil
}
