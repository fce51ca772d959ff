package docs

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryLinkOfTheDocsLeadsSomewhere checks the relative links of every page:
// that the file is there, and the heading that it names.
func TestEveryLinkOfTheDocsLeadsSomewhere(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../..")
	pages := pagesOf(t, root)
	links := 0
	for _, page := range pages {
		for _, link := range linksOf(read(t, filepath.Join("../..", page))) {
			u, err := url.Parse(link)
			if err != nil {
				t.Errorf("%s: %s: %v", page, link, err)
				continue
			}
			if u.Scheme != "" {
				continue
			}
			links++
			target := path.Join(path.Dir(page), u.Path)
			if u.Path == "" {
				target = page
			}
			if _, err := fs.Stat(root, target); err != nil {
				t.Errorf("%s: %s leads nowhere", page, link)
			} else if u.Fragment != "" && !slices.Contains(anchors(read(t, filepath.Join("../..", target))), u.Fragment) {
				t.Errorf("%s: %s has no such heading", page, link)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links in %d pages: the test looks in the wrong place", links, len(pages))
	}
}

// pagesOf returns every page that a reader may come upon.
func pagesOf(t *testing.T, root fs.FS) []string {
	t.Helper()
	pages, err := fs.Glob(root, "*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"docs", "make"} {
		err := fs.WalkDir(root, folder, func(name string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(name, ".md") {
				pages = append(pages, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return pages
}

var (
	code    = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	links   = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

func linksOf(page string) []string {
	var found []string
	for _, match := range links.FindAllStringSubmatch(code.ReplaceAllString(page, "code"), -1) {
		found = append(found, match[1])
	}
	return found
}

// anchors returns what links name the headings of a page by.
func anchors(page string) []string {
	var found []string
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		found = append(found, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return found
}
