package e2e

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/harborhook/harborhook/tests/harness"
)

// message is the body of a delivery. Reading it is strict: an unknown field fails.
type message struct {
	EventType string  `json:"event_type"`
	Events    []entry `json:"events"`
}

type entry struct {
	Project     string     `json:"project"`
	RepoName    string     `json:"repo_name"`
	Tag         string     `json:"tag"`
	FullName    string     `json:"full_name"`
	ChartName   string     `json:"chart_name"`
	Version     string     `json:"version"`
	TriggerTime int64      `json:"trigger_time"`
	ImageID     string     `json:"image_id"`
	ProjectType string     `json:"project_type"`
	Digest      string     `json:"digest"`
	ResourceURL string     `json:"resource_url"`
	Operator    string     `json:"operator"`
	EventID     string     `json:"event_id"`
	Change      string     `json:"change"`
	Recovered   bool       `json:"recovered"`
	Platforms   []platform `json:"platforms"`
}

type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Digest       string `json:"digest"`
	ImageID      string `json:"image_id"`
}

func read(t *testing.T, d harness.Delivery) message {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(d.Body))
	decoder.DisallowUnknownFields()
	var m message
	if err := decoder.Decode(&m); err != nil {
		t.Fatalf("%v in %s", err, d.Body)
	}
	return m
}

// expect compares a delivery with the message it should carry, whose entries
// have no event id or time: those must be there, and the time near now. Pushes,
// and nothing else, must say what became of the tag.
func (c *scene) expect(t *testing.T, d harness.Delivery, since time.Time, eventType string, entries ...entry) {
	t.Helper()
	m := read(t, d)
	for _, e := range m.Events {
		at := time.UnixMilli(e.TriggerTime)
		if at.Before(since.Add(-time.Second)) || at.After(d.At.Add(time.Second)) {
			t.Errorf("trigger_time is %s, not between %s and %s", at, since, d.At)
		}
		if e.EventID == "" {
			t.Error("event_id is empty")
		}
		if pushed := strings.HasPrefix(eventType, "push") || eventType == "uploadChart"; pushed != (e.Change != "") {
			t.Errorf("change of %s is %q", eventType, e.Change)
		}
	}
	if diff := cmp.Diff(message{eventType, entries}, m,
		cmpopts.IgnoreFields(entry{}, "TriggerTime", "EventID", "Change"),
		cmpopts.SortSlices(func(a, b platform) bool { return a.Digest < b.Digest }),
		cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// imageEntry is what a message says of an image.
func (c *scene) imageEntry(repository, tag, digest, imageID string) entry {
	return entry{
		Project: c.project, RepoName: repository, Tag: tag, FullName: c.project + "/" + repository,
		ImageID: imageID, ProjectType: "Private", Digest: digest,
		ResourceURL: c.Registry + "/" + c.project + "/" + repository + ":" + tag, Operator: c.Operator,
	}
}

// chartEntry is what a message says of a chart.
func (c *scene) chartEntry(name, version, digest string) entry {
	return entry{
		Project: c.project, ChartName: name, Version: version, ProjectType: "Private", Digest: digest,
		ResourceURL: c.Registry + "/" + c.project + "/" + name + ":" + version, Operator: c.Operator,
	}
}
