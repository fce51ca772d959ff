package registry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

func TestAPullWritesOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	pull := func(id string, references ...registry.Reference) registry.Action {
		a := identified(action(registry.OpPull, "v1", sha(3)), id)
		a.MediaType, a.References = ociIndex, references
		return a
	}
	manifest := hook.Manifest{Repository: "prj/repo", Digest: sha(3), MediaType: ociIndex, Kind: hook.KindImage}
	withPlatforms := manifest
	withPlatforms.Platforms = []hook.Platform{{OS: "linux", Architecture: "amd64", Digest: sha(1)}}
	steps := []struct {
		name string
		pull registry.Action
		want []hook.Fact
	}{
		{"the first teaches manifest and tag", pull("1"), []hook.Fact{
			{Manifest: &manifest},
			{Tag: &hook.Tag{Repository: "prj/repo", Name: "v1", Digest: sha(3)}},
		}},
		{"one that tells the platforms teaches them", pull("2", child(sha(1), "linux", "amd64")), []hook.Fact{{Manifest: &withPlatforms}}},
		{"the same again teaches nothing", pull("3", child(sha(1), "linux", "amd64")), nil},
		{"one that tells less teaches nothing", pull("4"), nil},
	}
	mem := newMemory()
	for _, step := range steps {
		n, _ := interpreted(t, mem, step.pull)
		if diff := cmp.Diff(step.want, n.Facts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestAnEmptyUserAgentIsNotOurs(t *testing.T) {
	t.Parallel()
	i := registry.NewInterpreter(newMemory(), projects{}, registry.WithOwnUserAgents(""))
	for _, agent := range []string{"", "docker"} {
		a := action(registry.OpPull, "v1", sha(1))
		a.UserAgent = agent
		n, _, err := i.Interpret(t.Context(), []registry.Action{a})
		if err != nil || len(n.Events) != 1 {
			t.Errorf("user agent %q: events %v, error %v", agent, summaries(n.Events), err)
		}
	}
}
