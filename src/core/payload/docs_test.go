package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
)

// The page, and the marks around its generated part.
const (
	page         = "../../../docs/webhooks.md"
	examplesFrom = "<!-- examples: written by make generate -->\n"
	examplesTo   = "<!-- end of the examples -->\n"
)

// TestTheDocumentedExamplesAreCurrent compares the examples in the page with what
// is sent, and writes them with -update.
func TestTheDocumentedExamplesAreCurrent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), examplesFrom)
	got, after, ends := strings.Cut(rest, examplesTo)
	if !begins || !ends {
		t.Fatalf("%s lacks the marks of its generated part", page)
	}
	want := examples(t)
	if *update {
		if err := os.WriteFile(page, []byte(before+examplesFrom+want+examplesTo+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the examples are not current; run make generate (-want +page):\n%s", diff)
	}
}

// examples writes every type in every format.
func examples(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n```\n%s\n```\n", exampleTemplate)
	for _, typ := range event.DefaultCatalog().Types() {
		fmt.Fprintf(&b, "\n### %s: `%s`\n", typ.Title, typ.Name)
		for _, format := range payload.DefaultFormats().Names() {
			fmt.Fprintf(&b, "\n<details><summary><code>%s</code></summary>\n\n```json\n%s\n```\n\n</details>\n", format, indented(t, bodyOf(t, format, typ.Sample)))
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func indented(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTheDocumentedTemplateLanguageIsTheOneThatRuns tries the page's template,
// every value in its table, and every function in its list.
func TestTheDocumentedTemplateLanguageIsTheOneThatRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### Templates of your own")
	section, _, _ = strings.Cut(section, "\n## ")
	_, rest, _ := strings.Cut(section, "```\n")
	template, rest, _ := strings.Cut(rest, "```\n")
	table, functions, found := strings.Cut(rest, "\nFunctions:")
	if !found {
		t.Fatal("the page does not list the functions")
	}
	functions, _, _ = strings.Cut(functions, "Other functions")
	templates := []string{template}
	values := regexp.MustCompile("`(\\.[a-z_]+)`").FindAllStringSubmatch(table, -1)
	for _, value := range values {
		templates = append(templates, "{{json "+value[1]+"}}")
	}
	names := regexp.MustCompile("`([a-zA-Z]+)").FindAllStringSubmatch(functions, -1)
	for _, name := range names {
		templates = append(templates, "{{if false}}{{"+name[1]+" 1 2}}{{end}}1")
	}
	if len(values) < 15 || len(names) < 20 {
		t.Fatalf("the page names %d values and %d functions", len(values), len(names))
	}
	for _, typ := range event.DefaultCatalog().Types() {
		for _, template := range templates {
			if _, err := renderTemplate(template, typ.Sample); err != nil {
				t.Errorf("%s of %s: %v", template, typ.Name, err)
			}
		}
	}
}
