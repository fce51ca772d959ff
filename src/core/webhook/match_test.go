package webhook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func repositories(pattern string) hook.Filter {
	return hook.Filter{Kind: hook.FilterRepository, Pattern: pattern}
}

func tags(pattern string) hook.Filter    { return hook.Filter{Kind: hook.FilterTag, Pattern: pattern} }
func tagList(list ...string) hook.Filter { return hook.Filter{Kind: hook.FilterTag, List: list} }

func push(repository string, tags ...string) hook.Event {
	e := hook.Event{ID: "e", Type: hook.PushImage, ProjectID: 1, Repository: repository, OccurredAt: time.UnixMilli(0xabc)}
	for _, tag := range tags {
		e.Resources = append(e.Resources, hook.Resource{Tag: tag, Digest: "sha256:aa"})
	}
	return e
}

func TestFiltersDecide(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		filters []hook.Filter
		event   hook.Event
		want    []string // tags that pass
		refused bool
	}{
		{"no filter passes everything", nil, push("app", "v1"), []string{"v1"}, false},
		{"no filter passes an untagged push", nil, push("app", ""), []string{""}, false},
		{"a pattern matches the whole name", []hook.Filter{repositories("app")}, push("my-app", "v1"), nil, true},
		{"alternatives match the whole name", []hook.Filter{repositories("api|web")}, push("api-gateway", "v1"), nil, true},
		{"one of the alternatives", []hook.Filter{repositories("api|web")}, push("web", "v1"), []string{"v1"}, false},
		{"a nested repository", []hook.Filter{repositories("team/.*")}, push("team/app", "v1"), []string{"v1"}, false},
		{"a pattern with flags", []hook.Filter{repositories("(?i)APP")}, push("app", "v1"), []string{"v1"}, false},
		{"the end of a line does not end a name", []hook.Filter{tags("(?m)v1")}, push("app", "v1\nx"), nil, true},
		{"kinds are joined by and", []hook.Filter{repositories("app"), tags("v.*")}, push("app", "latest"), nil, true},
		{"several of a kind are joined by or", []hook.Filter{tags("v.*"), tagList("latest")}, push("app", "latest"), []string{"latest"}, false},
		{"a list is exact", []hook.Filter{tagList("lat.*")}, push("app", "latest"), nil, true},
		{"a tag filter refuses what has no tag", []hook.Filter{tags(".*")}, push("app", ""), nil, true},
		{"a tag filter refuses what has no resources", []hook.Filter{tags(".*")}, push("app"), nil, true},
		{"a repository filter refuses what has no repository", []hook.Filter{repositories(".*")}, push("", "v1"), nil, true},
		{"only the tags that pass are told", []hook.Filter{tags("v.*")}, push("app", "v1", "latest", "v2"), []string{"v1", "v2"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := compile(c.filters)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := m.match(c.event)
			if ok == c.refused {
				t.Fatalf("passes: %v, want %v", ok, !c.refused)
			}
			if !ok {
				return
			}
			var names []string
			for _, r := range got.Resources {
				names = append(names, r.Tag)
			}
			if diff := cmp.Diff(c.want, names); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNarrowingLeavesTheEventAlone(t *testing.T) {
	t.Parallel()
	m, err := compile([]hook.Filter{tagList("v2")})
	if err != nil {
		t.Fatal(err)
	}
	e := push("app", "v1", "v2")
	if _, ok := m.match(e); !ok {
		t.Fatal("does not pass")
	}
	if diff := cmp.Diff(push("app", "v1", "v2"), e); diff != "" {
		t.Errorf("the event was changed (-want +got):\n%s", diff)
	}
}

func TestBadFiltersAreExplained(t *testing.T) {
	t.Parallel()
	many := make([]string, 101)
	for i := range many {
		many[i] = "x"
	}
	cases := []struct {
		name   string
		filter hook.Filter
		field  string
		reason string
	}{
		{"missing parenthesis", repositories("a("), "filters[0].value", "missing closing )"},
		{"unexpected parenthesis", repositories("ab)c"), "filters[0].value", "unexpected )"},
		{"bad range", tags("ab[z-a]"), "filters[0].value", `position 4: "z-a"`},
		{"repetition of nothing", tags("ab**"), "filters[0].value", "position 3"},
		{"empty", tags(""), "filters[0].value", "leave the filter out"},
		{"too long", tags(strings.Repeat("ä", 257)), "filters[0].value", "257 characters"},
		{"too complex", tags(strings.Repeat("a{0,1000}", 20)), "filters[0].value", "instructions"},
		{"unknown kind", hook.Filter{Kind: "label", Pattern: "x"}, "filters[0].kind", `"label"`},
		{"empty list", tagList([]string{}...), "filters[0].value", ""},
		{"long list", tagList(many...), "filters[0].value", "101 entries"},
		{"empty entry", tagList("a", ""), "filters[0].value", "entry 1"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "empty list" {
				c.filter.List = []string{}
			}
			_, err := compile([]hook.Filter{c.filter})
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v, want an InvalidError", err)
			}
			if invalid.Field != c.field || !strings.Contains(invalid.Reason, c.reason) {
				t.Errorf("got %q, want field %q and reason with %q", invalid, c.field, c.reason)
			}
		})
	}
}

func FuzzCompileFilter(f *testing.F) {
	for _, seed := range []string{"(api|web)", "v[0-9]+", "(", "a{0,1000}", `\pL{1000}`, "(?i)x", "^$"} {
		f.Add(seed, "latest")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		m, err := compile([]hook.Filter{tags(pattern)})
		if err != nil {
			var invalid *hook.InvalidError
			if !errors.As(err, &invalid) {
				t.Errorf("%q: %v is no InvalidError", pattern, err)
			}
			return
		}
		m.match(push("app", name))
	})
}

// BenchmarkMatch50Policies has a budget of 100 µs, and of no allocation that
// grows with the number of projects.
func BenchmarkMatch50Policies(b *testing.B) {
	var policies []hook.Policy
	for i := range int64(50) {
		p := newPolicy(i, "https://a.example.com")
		p.Filters = []hook.Filter{repositories("(api|web|team/.*)"), tags(`v\d+\.\d+(-rc\d+)?`)}
		policies = append(policies, p)
	}
	cache := NewCache(&memory{policies: policies}, quiet())
	for project := range int64(1000) {
		if _, err := cache.enabledPolicies(b.Context(), project); err != nil {
			b.Fatal(err)
		}
	}
	e := push("team/app", "v1.22-rc3")
	b.ReportAllocs()
	for b.Loop() {
		list, err := cache.enabledPolicies(b.Context(), e.ProjectID)
		if err != nil || len(list) != len(policies) {
			b.Fatal(len(list), err)
		}
		for i := range list {
			if _, ok := list[i].matches(e); !ok {
				b.Fatal("does not match")
			}
		}
	}
}
