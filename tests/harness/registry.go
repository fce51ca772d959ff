package harness

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// registryConfig is what docs/webhooks.md tells people to paste, with a short
// back-off.
const registryConfig = `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: %q}
notifications:
  events: {includereferences: %t}
  endpoints:
    - name: harborhook
      url: %q
      headers: {Authorization: [%q]}
      timeout: 3s
      threshold: 5
      backoff: 1s
      ignoredmediatypes: [application/octet-stream]
`

// newRegistry starts a registry that lets everybody in and notifies Core. Unless
// it describes what it tells of, its events name manifests only.
func newRegistry(t T, addr, coreURL, token string, describes bool) *Process {
	t.Helper()
	dir := folder(t)
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf(registryConfig, filepath.Join(dir, "storage"), addr, describes, coreURL+"/service/notifications", "Bearer "+token)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatalf("write the registry's configuration: %v", err)
	}
	p := newProcess(t, command{
		name: "docker-registry", path: findProgram("docker-registry"), args: []string{"serve", config}, dir: dir,
		careless: true, ready: answers("http://" + addr + "/v2/"),
	})
	p.Start()
	return p
}

// answers returns a check that succeeds when the URL answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, resp.Status)
		}
		return nil
	}
}
