package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// difference is a tag of which the registry and the memory disagree.
type difference struct {
	// was is what the memory knows; of a tag that it never heard of, only the name.
	was hook.Tag
	// digest is where the tag points in the registry; empty if it does not exist.
	digest string
}

// compare returns the differences of one repository by name of the tag. found are
// all tags that the registry has, with their digests.
func compare(repository string, memory []hook.Tag, found map[string]string) []difference {
	known := make(map[string]hook.Tag, len(memory))
	for _, t := range memory {
		known[t.Name] = t
	}
	var differences []difference
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t, heard := known[name]
		if !heard {
			t = hook.Tag{Repository: repository, Name: name}
		}
		if t.DeletedBy != "" || t.Digest != found[name] {
			differences = append(differences, difference{was: t, digest: found[name]})
		}
	}
	for _, t := range memory {
		if _, there := found[t.Name]; !there && t.DeletedBy == "" {
			differences = append(differences, difference{was: t})
		}
	}
	return differences
}

// both returns the differences that were found twice. What only one of two looks
// shows is under way: its event is still to come, or has come in between.
func both(first, second []difference) []difference {
	var same []difference
	for _, d := range second {
		if slices.Contains(first, d) {
			same = append(same, d)
		}
	}
	return same
}

// deletion is a manifest that is to be asked for, and its tags that are gone.
type deletion struct {
	digest string
	tags   []hook.Tag
}

// deletions groups the tags that are gone by their manifest. A manifest that a
// tag points at which is not gone was not deleted, whatever became of the others.
func deletions(memory []hook.Tag, differences []difference) []deletion {
	gone := map[string][]hook.Tag{}
	for _, d := range differences {
		if d.digest == "" && d.was.Digest != "" {
			gone[d.was.Digest] = append(gone[d.was.Digest], d.was)
		}
	}
	alive := map[string]int{}
	for _, t := range memory {
		if t.DeletedBy == "" {
			alive[t.Digest]++
		}
	}
	var out []deletion
	for _, digest := range slices.Sorted(maps.Keys(gone)) {
		if len(gone[digest]) == alive[digest] {
			out = append(out, deletion{digest: digest, tags: gone[digest]})
		}
	}
	return out
}

// eventID is the same for everybody who finds that the tags, as the memory knew
// them then, have become this; and another one for whatever happens to them later.
func eventID(digest string, was ...hook.Tag) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q", digest)
	for _, t := range was {
		fmt.Fprintf(h, " %q %q %q %q %d", t.Repository, t.Name, t.Digest, t.DeletedBy, t.UpdateTime.UnixMicro())
	}
	return "recovered-" + hex.EncodeToString(h.Sum(nil)[:16])
}
