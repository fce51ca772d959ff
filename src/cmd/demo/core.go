package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"syscall"
	"time"
)

// core is the API of a running Core.
type core struct {
	client   *http.Client
	url      string
	password string
}

const policies = "/api/projects/" + project + "/webhook/policies"

// ready says what to do if Core does not answer.
func (c *core) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := c.do(ctx, http.MethodGet, "/api/health", nil)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s: start it with \"make run\" in another terminal", c.url)
	}
	if err != nil {
		return fmt.Errorf("ask %s how it is: %w", c.url, err)
	}
	if r.status != http.StatusOK {
		return fmt.Errorf("what listens at %s is not well, or not harborhook: it answers %d: %s", c.url, r.status, r.text())
	}
	return nil
}

// createPolicy creates a policy that sends pushes to target and returns its id.
func (c *core) createPolicy(ctx context.Context, name, target string) (id string, err error) {
	r, err := c.do(ctx, http.MethodPost, policies, map[string]any{
		"name": name, "description": "created by make demo", "enabled": true,
		"hook_types": []string{"pushImage"}, "target": target,
	})
	if err != nil {
		return "", fmt.Errorf("create a policy: %w", err)
	}
	switch r.status {
	case http.StatusCreated:
		return path.Base(r.location), nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", fmt.Errorf("%s does not take the password of %s: if it was changed, set HARBORHOOK_ADMIN_PASSWORD to the new one; if the server runs in another data folder, give -data-dir", c.url, user)
	case http.StatusNotFound:
		return "", fmt.Errorf("there is no project %s at %s: is it a standalone?", project, c.url)
	default:
		return "", fmt.Errorf("create a policy: %d: %s", r.status, r.text())
	}
}

func (c *core) deletePolicy(ctx context.Context, id string) error {
	r, err := c.do(ctx, http.MethodDelete, policies+"/"+id, nil)
	if err == nil && r.status != http.StatusOK {
		err = fmt.Errorf("%d: %s", r.status, r.text())
	}
	if err != nil {
		return fmt.Errorf("delete policy %s: %w", id, err)
	}
	return nil
}

type answer struct {
	status   int
	location string
	body     []byte
}

func (a answer) text() string { return strings.TrimSpace(string(a.body)) }

// maxAnswer is as much of an answer as is read, in bytes.
const maxAnswer = 64 << 10

func (c *core) do(ctx context.Context, method, path string, body any) (answer, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, content)
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(user, c.password)
	req.Header.Set("Content-Type", "application/json")
	r, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	return answer{r.StatusCode, r.Header.Get("Location"), b}, errors.Join(err, r.Body.Close())
}
