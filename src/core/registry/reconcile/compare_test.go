package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

func tag(name, digest, deletedBy string) hook.Tag {
	return hook.Tag{Repository: "prj/app", Name: name, Digest: digest, DeletedBy: deletedBy}
}

func TestTagsThatDifferAreFound(t *testing.T) {
	t.Parallel()
	memory := []hook.Tag{tag("deleted", "d1", "r"), tag("gone", "d1", ""), tag("moved", "d1", ""), tag("pushed again", "d1", "r"), tag("same", "d1", "")}
	found := map[string]string{"moved": "d2", "new": "d1", "pushed again": "d1", "same": "d1"}
	want := []difference{
		{tag("moved", "d1", ""), "d2"},
		{tag("new", "", ""), "d1"},
		{tag("pushed again", "d1", "r"), "d1"},
		{tag("gone", "d1", ""), ""},
	}
	if diff := cmp.Diff(want, compare("prj/app", memory, found), cmp.AllowUnexported(difference{})); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestADifferenceIsBelievedWhenItIsFoundTwice(t *testing.T) {
	t.Parallel()
	a, b := difference{tag("a", "d1", ""), "d2"}, difference{tag("b", "d1", ""), ""}
	other := a
	other.was.UpdateTime = time.Unix(1, 0)
	if got := both([]difference{a, b}, []difference{other, b}); len(got) != 1 || got[0] != b {
		t.Errorf("got %+v", got)
	}
}

func TestAManifestWasDeletedOnlyIfAllItsTagsAreGone(t *testing.T) {
	t.Parallel()
	memory := []hook.Tag{tag("a", "d1", ""), tag("b", "d1", ""), tag("c", "d2", ""), tag("d", "d2", ""), tag("e", "d1", "r")}
	gone := []difference{{memory[0], ""}, {memory[1], ""}, {memory[2], ""}, {memory[3], "d3"}}
	want := []deletion{{"d1", memory[:2]}}
	if diff := cmp.Diff(want, deletions(memory, gone), cmp.AllowUnexported(deletion{})); diff != "" {
		t.Errorf("deletions (-want +got):\n%s", diff)
	}
}

func TestAnEventIDIsTheSameForTheSameChangeOnly(t *testing.T) {
	t.Parallel()
	was := tag("v1", "d1", "")
	was.UpdateTime = time.Unix(1, 0)
	id := eventID("d2", was)
	if again := eventID("d2", was); again != id {
		t.Errorf("%s, then %s", id, again)
	}
	ids := map[string]bool{id: true, eventID("d3", was): true, eventID("d2", was, was): true}
	for _, change := range []func(*hook.Tag){
		func(t *hook.Tag) { t.Repository = "prj/web" },
		func(t *hook.Tag) { t.Name = "v2" },
		func(t *hook.Tag) { t.Digest = "d0" },
		func(t *hook.Tag) { t.DeletedBy = "r" },
		func(t *hook.Tag) { t.UpdateTime = time.Unix(2, 0) },
	} {
		other := was
		change(&other)
		ids[eventID("d2", other)] = true
	}
	if len(ids) != 8 {
		t.Errorf("%d ids of 8 changes", len(ids))
	}
}
