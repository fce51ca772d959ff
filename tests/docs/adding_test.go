package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// uses is what the scratch copy must be able to do with the new format and type.
const uses = `package payload

import (
	"slices"
	"testing"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

func TestScratch(t *testing.T) {
	o := Options{ExternalRegistry: "hub.example.com", Catalog: event.DefaultCatalog(), Naming: hook.NamingHarbor2}
	typ, ok := o.Catalog.Lookup("labelAdded")
	if !ok {
		t.Fatal("the catalog does not list the new type")
	}
	formats := DefaultFormats()
	if !slices.Contains(formats.For(hook.TargetHTTP), "Mattermost") {
		t.Fatal("the list does not name the new format")
	}
	for format, want := range map[string]string{
		"Mattermost": "{\"text\":\"Label added: prj/repo1:latest\"}",
		"Default": "{\"type\":\"LABEL_ADDED\",\"occur_at\":1583222332,\"operator\":\"alice\",\"event_data\":{\"resources\":[{" +
			"\"digest\":\"sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272\",\"tag\":\"latest\"," +
			"\"resource_url\":\"hub.example.com/prj/repo1:latest\"}],\"repository\":{\"name\":\"repo1\",\"namespace\":\"prj\"," +
			"\"repo_full_name\":\"prj/repo1\",\"repo_type\":\"private\"},\"label\":\"approved\"}}",
	} {
		body, _, err := formats.Render(typ.Sample, hook.Target{PayloadFormat: format}, o)
		if err != nil || string(body) != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", format, err, body, want)
		}
	}
}
`

// TestWhatIsAddedByTheDocumentedLinesWorks does what docs/webhooks.md says under
// "Add …", on an overlay of the sources: writes the new files, and puts the lines
// at the end of the lists.
func TestWhatIsAddedByTheDocumentedLinesWorks(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	overlay := map[string]string{}
	put := func(file, text string) {
		t.Helper()
		written := filepath.Join(scratch, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(written, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(root, file)] = written
	}
	for _, b := range blocks(t, read(t, filepath.Join(root, "docs/webhooks.md"))) {
		if strings.HasPrefix(b.code, "package ") {
			put(b.file, b.code)
		} else {
			put(b.file, inserted(t, read(t, filepath.Join(root, b.file)), b.code))
		}
	}
	put("src/core/payload/scratch_test.go", uses)

	list := filepath.Join(scratch, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", list, "-run", "^TestScratch$", "-v", "./src/core/payload")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestScratch") {
		t.Errorf("%v\n%s", err, out)
	}
}

// block is a piece of Go code and the file that it belongs to.
type block struct{ file, code string }

// blocks returns the code that the page shows right after it names a file.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	var found []block
	for _, match := range regexp.MustCompile("(?s)`(src/core/[a-z_/]+\\.go)`:\n\n```go\n(.*?)```\n").FindAllStringSubmatch(page, -1) {
		found = append(found, block{match[1], match[2]})
	}
	if len(found) != 4 {
		t.Fatalf("docs/webhooks.md shows %d pieces of code, want 2 new files and 2 lines", len(found))
	}
	return found
}

// inserted puts a line at the end of the list in a file.
func inserted(t *testing.T, source, line string) string {
	t.Helper()
	at := regexp.MustCompile(`(?s)return must(?:Formats|Catalog)\(.*?\n(\t\))`).FindStringSubmatchIndex(source)
	if at == nil {
		t.Fatal("no list found")
	}
	return source[:at[2]] + "\t\t" + line + source[at[2]:]
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
