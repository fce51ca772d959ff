package registry_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/docker/distribution/notifications"
	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/registry"
)

// wire is an event with everything in it, as 3.x sends it.
const wire = `{
 "id":"01a20743-f6c3-797c-8f77-2edfcdb8af3a","timestamp":"2026-11-23T13:00:00.5+01:00","action":"push",
 "target":{"mediaType":"application/vnd.oci.image.index.v1+json","size":7,"digest":"%[1]s","length":7,
  "repository":"prj/team/repo","url":"http://evil.example/v2/","tag":"v1","artifactType":"x/y","data":"e30=",
  "references":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%[1]s","size":3,
   "annotations":{"a":"b"},"platform":{"os":"linux","architecture":"arm","variant":"v7","os.version":"1"},"artifactType":"x/y"},
   {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"none"}]},
 "request":{"id":"r1","addr":"[2001:db8::1]:4711","host":"evil.example","method":"PUT","useragent":"crane"},
 "actor":{"name":"robot$prj+ci"},"source":{"addr":"registry:5000","instanceID":"i1"},"future":{"field":[1]}}`

func TestDecodeReadsEveryField(t *testing.T) {
	t.Parallel()
	got, err := registry.Decode([]byte(`{"events":[` + fmt.Sprintf(wire, sha(1)) + `],"future":1}`))
	if err != nil {
		t.Fatal(err)
	}
	want := registry.Envelope{
		Actions: []registry.Action{{
			Op: registry.OpPush, EventID: "01a20743-f6c3-797c-8f77-2edfcdb8af3a", Repository: "prj/team/repo", Tag: "v1",
			Digest: sha(1), MediaType: ociIndex,
			References: []registry.Reference{
				{MediaType: ociManifest, Digest: sha(1), OS: "linux", Architecture: "arm", Variant: "v7"},
				{MediaType: ociManifest},
			},
			Timestamp: noon.Add(500 * time.Millisecond), Actor: "robot$prj+ci", RequestID: "r1", UserAgent: "crane",
			Client: "2001:db8::1", Source: registry.Source{Addr: "registry:5000", InstanceID: "i1"},
		}},
		Skipped: registry.Skipped{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
}

func TestDecodeTellsUsableEventsFromOthers(t *testing.T) {
	t.Parallel()
	target := func(s string) string {
		return fmt.Sprintf(`{"action":"push","target":{"mediaType":%q,"digest":%q,"repository":"a/b","tag":"v1"%s}}`, schema2, sha(1), s)
	}
	gone := func(s string) string { return `{"action":"delete","target":{"repository":"a/b"` + s + `}}` }
	const blob = `"target":{"mediaType":"application/octet-stream","digest":"sha256:0a","repository":"a/b"}`
	tests := []struct {
		name  string
		event string
		want  string // operation, or the reason in brackets
	}{
		{"push", target(""), "push"},
		{"unknown fields", target(`,"future":{}`), "push"},
		{"keys in another case", strings.Replace(target(""), `"action"`, `"Action"`, 1), "push"},
		{"pull", strings.Replace(target(""), `"push"`, `"pull"`, 1), "pull"},
		{"HEAD", strings.Replace(target(""), `"action":"push"`, `"request":{"method":"HEAD"},"action":"pull"`, 1), "head"},
		{"delete of a digest, 2.8", gone(`,"digest":"` + sha(1) + `"`), "delete-digest"},
		{"delete of a tag, 2.8", gone(`,"tag":"v1"`), "delete-tag"},
		{"delete of a digest, 3.x", gone(`,"mediaType":"","digest":"` + sha(1) + `","size":0`), "delete-digest"},
		{"delete of a tag, 3.x", gone(`,"mediaType":"","digest":"","size":0,"tag":"v1"`), "delete-tag"},
		{"delete of nothing", gone(`,"digest":""`), "(nothing_deleted)"},
		{"blob push", `{"action":"push",` + blob + `}`, "(not_a_manifest)"},
		{"blob pull", `{"action":"pull",` + blob + `}`, "(not_a_manifest)"},
		{"mount", `{"action":"mount",` + blob + `}`, "(not_a_manifest)"},
		{"mount of a manifest", strings.Replace(target(""), `"push"`, `"mount"`, 1), "(not_a_manifest)"},
		{"unknown action", strings.Replace(target(""), `"push"`, `"sign"`, 1), "(unknown_action)"},
		{"null", `null`, "(unknown_action)"},
		{"empty object", `{}`, "(unknown_action)"},
		{"a number", `42`, "(malformed)"},
		{"a list", `[{}]`, "(malformed)"},
		{"a field of another type", strings.Replace(target(""), `"push"`, `7`, 1), "(malformed)"},
		{"a target of another type", `{"action":"push","target":"x"}`, "(malformed)"},
		{"no repository", strings.Replace(target(""), `a/b`, ``, 1), "(bad_repository)"},
		{"no project", strings.Replace(target(""), `a/b`, `hello`, 1), "(no_project)"},
		{"an empty project", strings.Replace(target(""), `a/b`, `/b`, 1), "(bad_repository)"},
		{"an empty name", strings.Replace(target(""), `a/b`, `a/`, 1), "(bad_repository)"},
		{"the longest repository", strings.Replace(target(""), `a/b`, `a/`+strings.Repeat("b", 253), 1), "push"},
		{"a longer repository", strings.Replace(target(""), `a/b`, `a/`+strings.Repeat("b", 254), 1), "(repository_too_long)"},
		{"the longest tag", strings.Replace(target(""), `v1`, strings.Repeat("t", 128), 1), "push"},
		{"a longer tag", strings.Replace(target(""), `v1`, strings.Repeat("t", 129), 1), "(tag_too_long)"},
		{"no digest", strings.Replace(target(""), sha(1), ``, 1), "(bad_digest)"},
		{"a digest that is none", strings.Replace(target(""), sha(1), `latest`, 1), "(bad_digest)"},
		{"an endless digest", strings.Replace(target(""), sha(1), sha(1)+strings.Repeat("0", 300), 1), "(bad_digest)"},
		{"no time", target(""), "push"},
		{"a time that is none", strings.Replace(target(""), `{`, `{"timestamp":"yesterday",`, 1), "push"},
		{"a time of another type", strings.Replace(target(""), `{`, `{"timestamp":{"at":[1]},`, 1), "push"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The event stands between two good ones, which must not suffer.
			envelope, err := registry.Decode([]byte(`{"events":[` + target("") + "," + tt.event + "," + target("") + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			got := "nothing"
			for reason := range envelope.Skipped {
				got = "(" + string(reason) + ")"
			}
			if len(envelope.Actions) == 3 {
				got = string(envelope.Actions[1].Op)
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if total := len(envelope.Actions) + envelope.Skipped.Total(); total != 3 {
				t.Errorf("%d events accounted for, want 3", total)
			}
		})
	}
}

func TestDecodeRefusesOnlyWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `{`, `{"events":[}`, `{"events":[]} x`, "\x00", `events`} {
		if _, err := registry.Decode([]byte(body)); err == nil {
			t.Errorf("%q: no error", body)
		}
	}
	for body, skipped := range map[string]int{
		`{"events":[]}`: 0, `{}`: 0, `{"events":null}`: 0, `null`: 0,
		`{"events":{}}`: 1, `{"events":"x"}`: 1, `[]`: 1, `"x"`: 1, `7`: 1,
	} {
		envelope, err := registry.Decode([]byte(body))
		if err != nil || len(envelope.Actions) != 0 || envelope.Skipped.Total() != skipped {
			t.Errorf("%s: %+v, error %v", body, envelope, err)
		}
	}
}

func TestStrangersStringsAreMadeStorable(t *testing.T) {
	t.Parallel()
	var e notifications.Event
	e.Action = notifications.EventActionPush
	e.ID = "id\x00"
	e.Target.MediaType = schema2
	e.Target.Repository = "a/b\xff"
	e.Target.Digest = "sha256:0a"
	e.Target.Tag = "v\x00\x01\n1"
	e.Actor.Name = "\x00<b>\u2028" + strings.Repeat("ü", 1000)
	e.Request.UserAgent = strings.Repeat("ä", 1000)
	a, reason := registry.FromEvent(e)
	if reason != "" {
		t.Fatal(reason)
	}
	if a.EventID != "id\uFFFD" || a.Repository != "a/b\uFFFD" || a.Tag != "v\uFFFD\x01\n1" {
		t.Errorf("id %q, repository %q, tag %q", a.EventID, a.Repository, a.Tag)
	}
	if !strings.HasPrefix(a.Actor, "\uFFFD<b>\u2028ü") || len(a.Actor) > 255 || len(a.UserAgent) > 512 {
		t.Errorf("actor %q of %d bytes, user agent of %d", a.Actor, len(a.Actor), len(a.UserAgent))
	}
	for _, s := range []string{a.Actor, a.UserAgent} {
		if !utf8.ValidString(s) {
			t.Errorf("%q is cut within a character", s)
		}
	}
}

func TestClientIsTheAddressWithoutPort(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"10.0.0.1:4711":      "10.0.0.1",
		"10.0.0.1":           "10.0.0.1",
		"[2001:db8::1]:4711": "2001:db8::1",
		"[2001:db8::1]":      "2001:db8::1",
		"2001:db8::1":        "2001:db8::1",
		"":                   "",
	} {
		var e notifications.Event
		e.Action = notifications.EventActionDelete
		e.Target.Repository, e.Target.Tag = "a/b", "v1"
		e.Request.Addr = addr
		if a, reason := registry.FromEvent(e); a.Client != want || reason != "" {
			t.Errorf("%q: client %q %s", addr, a.Client, reason)
		}
	}
}

// An envelope of 16 MiB has room for millions of events that are nothing.
func TestEventsThatCannotBeUsedTakeNoMemory(t *testing.T) {
	const events = 30_000
	body := []byte(`{"events":[` + strings.Repeat("{},", events-1) + `{}]}`)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e, err := registry.Decode(body)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err != nil || len(e.Actions) != 0 || e.Skipped.Total() != events {
		t.Fatalf("%d events, %d skipped, %v", len(e.Actions), e.Skipped.Total(), err)
	}
	// The heap grows to twice what lives; an event that is kept has hundreds of bytes.
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 8<<20 {
		t.Errorf("%d events made the heap grow by %d MiB", events, grown>>20)
	}
	runtime.KeepAlive(body)
}

// FuzzDecode checks that nothing a stranger sends brings the way to the events
// down, and that every event is accounted for.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(captures, "*", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no captures: %v", err)
	}
	for _, file := range files {
		for _, envelope := range readCapture(f, file) {
			f.Add([]byte(envelope))
		}
	}
	f.Add([]byte(`{"events":[` + fmt.Sprintf(wire, sha(1)) + `,null,7,{}]}`))
	f.Add([]byte(`{"events":[{"timestamp":"9999-99-99"}],"events":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		envelope, err := registry.Decode(body)
		if valid := json.Valid(body); valid != (err == nil) {
			t.Fatalf("valid JSON: %v, error %v", valid, err)
		}
		if err != nil {
			return
		}
		for _, a := range envelope.Actions {
			for _, s := range []string{a.Repository, a.Tag, a.Digest, a.Actor, a.UserAgent, a.RequestID, a.Client} {
				if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
					t.Errorf("%q cannot be stored", s)
				}
			}
		}
		mem := newMemory()
		n, skipped := interpreted(t, mem, envelope.Actions...)
		if len(n.Events)+skipped.Total() > len(envelope.Actions) {
			t.Errorf("%d events and %d skipped of %d actions", len(n.Events), skipped.Total(), len(envelope.Actions))
		}
		seen := make(map[string]bool)
		for _, e := range n.Events {
			if e.ID == "" || seen[e.ID] || len(e.Resources) == 0 {
				t.Errorf("event %+v", e)
			}
			seen[e.ID] = true
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("event cannot be stored: %v", err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	single := readCapture(b, filepath.Join(captures, "v2.8.3-refs", "skopeo-push-by-digest.json"))[2]
	var references []string
	for n := range 19_000 {
		references = append(references, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1,"annotations":{"a":%q}}`,
			ociManifest, sha(n), strings.Repeat("<", 40)))
	}
	huge := fmt.Sprintf(`{"events":[{"action":"push","target":{"mediaType":%q,"digest":%q,"repository":"a/b","tag":"v1","references":[%s]}}]}`,
		ociIndex, sha(1), strings.Join(references, ",\n"))
	for name, body := range map[string][]byte{"one event": single, "19000 references": []byte(huge)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := registry.Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
