package registry_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

func TestWhatTheMemoryKnowsOfATagOrDigest(t *testing.T) {
	t.Parallel()
	mem := newMemory()
	told(t, mem, push("v1", sha(1), config(sha(9))), push("gone", sha(1)), deleteTag("gone", "r"))
	for name, tt := range map[string]struct {
		tag, digest string
		want        hook.Resource
	}{
		"both":             {"v1", sha(1), hook.Resource{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(9))}},
		"tag":              {"v1", "", hook.Resource{Tag: "v1", Digest: sha(1), ImageID: hexOf(sha(9))}},
		"digest":           {"", sha(1), hook.Resource{Digest: sha(1), ImageID: hexOf(sha(9))}},
		"tag that moved":   {"v1", sha(2), hook.Resource{Tag: "v1", Digest: sha(2)}},
		"tag that is gone": {"gone", "", hook.Resource{Tag: "gone"}},
		"unknown tag":      {"v2", "", hook.Resource{Tag: "v2"}},
		"unknown digest":   {"", sha(3), hook.Resource{Digest: sha(3)}},
	} {
		got, err := registry.NewInterpreter(mem, projects{}, registry.WithCatalog(catalog())).Resource(t.Context(), "prj/repo", tt.tag, tt.digest)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	mem.err = errors.New("broken")
	for _, digest := range []string{"", sha(1)} {
		if _, err := registry.NewInterpreter(mem, projects{}, registry.WithCatalog(catalog())).Resource(t.Context(), "prj/repo", "v1", digest); !errors.Is(err, mem.err) {
			t.Errorf("digest %q: %v", digest, err)
		}
	}
}
