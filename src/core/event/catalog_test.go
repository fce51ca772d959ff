package event_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

func TestDefaultCatalogListsTheTypesInOrder(t *testing.T) {
	t.Parallel()
	var got []hook.EventType
	for _, typ := range event.DefaultCatalog().Types() {
		got = append(got, typ.Name)
	}
	want := []hook.EventType{
		"pushImage", "pullImage", "deleteImage", "uploadChart", "downloadChart", "deleteChart",
		"pushArtifact", "pullArtifact", "deleteArtifact", "scanningCompleted", "scanningFailed", "scanningStopped",
		"replicationFinished", "projectQuota", "quotaWarning", "tagRetention",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

func TestEveryTypeIsComplete(t *testing.T) {
	t.Parallel()
	catalog := event.DefaultCatalog()
	samples := make(map[string]bool)
	for _, typ := range catalog.Types() {
		t.Run(string(typ.Name), func(t *testing.T) {
			if typ.Title == "" || typ.Group == "" || typ.V2Name == "" {
				t.Errorf("a name is missing: %+v", typ)
			}
			if !strings.HasPrefix(typ.CloudEvents, "harbor.") {
				t.Errorf("CloudEvents type %q lacks Harbor's prefix", typ.CloudEvents)
			}
			found, ok := catalog.Lookup(typ.Name)
			if !ok || found.Name != typ.Name {
				t.Errorf("Lookup(%q) = %q, %v", typ.Name, found.Name, ok)
			}
			s := typ.Sample
			if s.Type != typ.Name {
				t.Errorf("sample is a %q", s.Type)
			}
			if s.ID == "" || s.ProjectID == 0 || s.Project == "" || s.Operator == "" || s.OccurredAt.IsZero() {
				t.Errorf("sample is incomplete: %+v", s)
			}
			ofResource := !typ.OfComponent() || typ.OfResource
			if ofResource && (s.Repository == "" || len(s.Resources) == 0 || s.Resources[0].Tag == "" || s.Resources[0].Digest == "") {
				t.Errorf("sample has no complete resource: %+v", s)
			}
			if got, want := len(s.Resources) > 0 && s.Resources[0].Change != hook.ChangeNone, typ.Action == event.Push; got != want {
				t.Errorf("sample says what became of the tag: %v, want %v", got, want)
			}
			if samples[s.ID] {
				t.Errorf("sample shares its id %s with another type's", s.ID)
			}
			samples[s.ID] = true
		})
	}
}

// TestATypeIsRaisedByRegistriesOrByComponents keeps each type's source single:
// actions and kinds, or a schema that its sample keeps.
func TestATypeIsRaisedByRegistriesOrByComponents(t *testing.T) {
	t.Parallel()
	catalog := event.DefaultCatalog()
	for _, typ := range catalog.Types() {
		if typ.OfComponent() == (typ.Action != "") || typ.OfComponent() == (len(typ.Kinds) > 0) {
			t.Errorf("%s: action %q of kinds %q, schema %q", typ.Name, typ.Action, typ.Kinds, typ.Schema)
		}
		if typ.OfComponent() == (len(typ.Sample.Data) == 0) {
			t.Errorf("%s: data of the sample is %q", typ.Name, typ.Sample.Data)
		}
		err := catalog.CheckData(typ.Name, typ.Sample.Data)
		if (err == nil) != typ.OfComponent() {
			t.Errorf("%s: data of the sample: %v", typ.Name, err)
		}
	}
}

func TestActionAndKindDecideTheType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		action event.Action
		kind   hook.Kind
		want   hook.EventType // empty: none
	}{
		{event.Push, hook.KindImage, hook.PushImage},
		{event.Push, hook.KindUnknown, hook.PushImage},
		{event.Push, hook.KindChart, hook.UploadChart},
		{event.Push, hook.KindArtifact, hook.PushArtifact},
		{event.Pull, hook.KindImage, hook.PullImage},
		{event.Pull, hook.KindUnknown, hook.PullImage},
		{event.Pull, hook.KindChart, hook.DownloadChart},
		{event.Pull, hook.KindArtifact, hook.PullArtifact},
		{event.Delete, hook.KindImage, hook.DeleteImage},
		{event.Delete, hook.KindUnknown, hook.DeleteImage},
		{event.Delete, hook.KindChart, hook.DeleteChart},
		{event.Delete, hook.KindArtifact, hook.DeleteArtifact},
		{"mount", hook.KindImage, ""},
	}
	catalog := event.DefaultCatalog()
	for _, tt := range tests {
		got, ok := catalog.Raised(tt.action, tt.kind)
		if got.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("Raised(%q, %q) = %q, %v; want %q", tt.action, tt.kind, got.Name, ok, tt.want)
		}
	}
}

func TestCatalogRefusesAmbiguousLists(t *testing.T) {
	t.Parallel()
	image := []hook.Kind{hook.KindImage}
	tests := []struct {
		name  string
		types []event.Type
	}{
		{"one name twice", []event.Type{{Name: "a"}, {Name: "a"}}},
		{"one occasion, two types", []event.Type{
			{Name: "a", Action: event.Push, Kinds: image},
			{Name: "b", Action: event.Push, Kinds: image},
		}},
		{"a schema that is not JSON", []event.Type{{Name: "a", Schema: `{"type":`}}},
		{"a schema that is none", []event.Type{{Name: "a", Schema: `{"type": "thing"}`}}},
		{"a schema that refers to a file", []event.Type{{Name: "a", Schema: `{"$ref": "file:///etc/passwd"}`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := event.NewCatalog(tt.types...); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestTypesThatNoRegistryRaisesMayBeListed(t *testing.T) {
	t.Parallel()
	catalog, err := event.NewCatalog(event.Type{Name: "a"}, event.Type{Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if typ, ok := catalog.Raised("", ""); ok {
		t.Errorf("nothing raised %q", typ.Name)
	}
}

func TestAChartIsAnArtifactToWhoeverAsksForAllArtifacts(t *testing.T) {
	t.Parallel()
	c := event.DefaultCatalog()
	for name, tc := range map[string]struct {
		subscribed      []hook.EventType
		v2, cloudEvents string
	}{
		"charts alone":         {[]hook.EventType{hook.UploadChart}, "UPLOAD_CHART", "harbor.chart.uploaded"},
		"images and charts":    {[]hook.EventType{hook.PushImage, hook.UploadChart}, "UPLOAD_CHART", "harbor.chart.uploaded"},
		"all that is pushed":   {[]hook.EventType{hook.UploadChart, hook.PushArtifact, hook.PushImage}, "PUSH_ARTIFACT", "harbor.artifact.pushed"},
		"all, but by deletion": {[]hook.EventType{hook.DeleteImage, hook.DeleteArtifact, hook.UploadChart}, "UPLOAD_CHART", "harbor.chart.uploaded"},
	} {
		got, ok := c.AsSubscribed(hook.UploadChart, tc.subscribed)
		if !ok || got.Name != hook.UploadChart || got.V2Name != tc.v2 || got.CloudEvents != tc.cloudEvents {
			t.Errorf("%s: %s, %s", name, got.V2Name, got.CloudEvents)
		}
	}
	if _, ok := c.AsSubscribed("nothing", nil); ok {
		t.Error("an unknown type was found")
	}
	if got, _ := c.AsSubscribed(hook.PushImage, []hook.EventType{hook.PushImage}); got.V2Name != "PUSH_ARTIFACT" {
		t.Errorf("an image is %s", got.V2Name)
	}
}
