package docs

import (
	"os"
	"strings"
	"testing"
)

// TestEveryPageIsThereAndNamedInTheReadme looks for what an operator, a user and a
// developer are promised.
func TestEveryPageIsThereAndNamedInTheReadme(t *testing.T) {
	t.Parallel()
	readme := read(t, "../../README.md")
	for _, page := range []string{
		"docs/getting-started.md", "docs/operations.md", "docs/configuration.md", "docs/production.md", "docs/api.md", "docs/webhooks.md", "docs/security.md",
		"docs/reliability.md", "docs/benchmarks.md", "docs/architecture.md", "docs/development.md", "docs/embedding.md", "docs/dependencies.md",
		"docs/portal.md", "docs/cli.md", "CONTRIBUTING.md", "CHANGELOG.md",
	} {
		text, err := os.ReadFile("../../" + page)
		if err != nil || len(text) < 500 || !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s: %v, %d bytes", page, err, len(text))
		}
		if !strings.Contains(readme, "("+page+")") {
			t.Errorf("the README does not lead to %s", page)
		}
	}
}
