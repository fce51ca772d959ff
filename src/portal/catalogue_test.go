package portal

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/portal/words"
)

var (
	inTemplates = regexp.MustCompile(`\bt "((?:[^"\\]|\\.)*)"`)
	inPlurals   = regexp.MustCompile(`\bn (?:\([^)]*\)|[^ "]+) "([^"]*)" "([^"]*)"`)
	inCode      = regexp.MustCompile(`\bt\("((?:[^"\\]|\\.)*)"`)
	pluralCode  = regexp.MustCompile(`\.N\([^"]*"([^"]*)", "([^"]*)"`)
	errorsCode  = regexp.MustCompile(`pageError\{(?:status: )?http\.\w+, (?:title: )?"([^"]*)"(?:, (?:text: )?"([^"]*)")?`)
	rolesCode   = regexp.MustCompile(`return "((?:Project admin|Maintainer|Developer|Guest))"`)
)

// messages are all that pages may say, found where they stand.
func messages(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{unavailable: true}
	add := func(text string, patterns ...*regexp.Regexp) {
		for _, p := range patterns {
			for _, m := range p.FindAllStringSubmatch(text, -1) {
				for _, message := range m[1:] {
					if message != "" {
						found[message] = true
					}
				}
			}
		}
	}
	names, err := fs.Glob(embedded, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := embedded.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		add(string(text), inTemplates, inPlurals)
	}
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		add(string(text), inCode, pluralCode, errorsCode, rolesCode)
	}
	for _, typ := range event.DefaultCatalog().Types() {
		found[typ.Title], found[typ.Group] = true, true
	}
	return found
}

var verbs = regexp.MustCompile(`%[a-zA-Z]`)

func TestEveryMessageIsTranslated(t *testing.T) {
	t.Parallel()
	all := messages(t)
	if len(all) < 150 {
		t.Fatalf("only %d messages were found", len(all))
	}
	for _, l := range words.Languages() {
		for message := range all {
			if !l.Has(message) {
				t.Errorf("%s has no %q", l.Tag, message)
			}
			if n := len(verbs.FindAllString(message, -1)); len(verbs.FindAllString(l.T(message), -1)) != n {
				t.Errorf("%s says %q with other verbs", l.Tag, message)
			}
		}
	}
}
