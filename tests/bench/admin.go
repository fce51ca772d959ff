package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// adminUser is the first system admin.
const adminUser = "admin"

// createProject makes a project with one policy for each target.
func (s *system) createProject(ctx context.Context, name string, targets []string) error {
	if _, err := s.api(ctx, http.MethodPost, "/api/projects", map[string]any{"project_name": name}, http.StatusCreated); err != nil {
		return err
	}
	for i, target := range targets {
		policy := map[string]any{
			"name": "bench-" + strconv.Itoa(i), "enabled": true, "hook_types": []string{"pushImage"}, "target": target,
		}
		if _, err := s.api(ctx, http.MethodPost, "/api/projects/"+name+"/webhook/policies", policy, http.StatusCreated); err != nil {
			return err
		}
	}
	return nil
}

// count counts the jobs of a project that are in one of these states. A count above
// 10,000 may be some seconds old.
func (s *system) count(ctx context.Context, project string, states ...string) (total int, err error) {
	for _, state := range states {
		header, err := s.api(ctx, http.MethodGet, "/api/projects/"+project+"/webhook/jobs?status="+state+"&page_size=1", nil, http.StatusOK)
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(header.Get("X-Total-Count"))
		if err != nil {
			return 0, fmt.Errorf("count the jobs of %s: %w", project, err)
		}
		total += n
	}
	return total, nil
}

// api makes one request as the admin and returns the header of the answer.
func (s *system) api(ctx context.Context, method, path string, body any, want int) (http.Header, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.core+path, sent)
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(adminUser, s.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.Header, nil
}
