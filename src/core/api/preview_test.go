package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

const previewPath = policiesPath + "/preview"

func TestAPreviewSaysWhatWouldMatchAndWhyTheRestWouldNot(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.verdicts = []hook.Verdict{
		{Event: hook.Event{ID: "e2", Type: hook.PushImage, Repository: "app", OccurredAt: epoch, Resources: []hook.Resource{{Tag: "v1"}, {Tag: "v2"}}}},
		{Event: hook.Event{ID: "e1", Type: hook.ProjectQuota, OccurredAt: epoch}, RefusedBy: "hook_types"},
	}
	w := s.do(admin, "POST", previewPath, `{"hook_types":["pushImage"],"filters":[{"kind":"tag","value":"v.*"}],"last":7}`)
	wantStatus(t, w, http.StatusOK)
	const want = `{"total":2,"matched":1,"events":[` +
		`{"event_id":"e2","hook_type":"pushImage","repository":"app","tags":["v1","v2"],"occurred_at":"2020-03-03T07:58:52Z","match":true},` +
		`{"event_id":"e1","hook_type":"projectQuota","repository":"","tags":[],"occurred_at":"2020-03-03T07:58:52Z","match":false,"refused_by":"hook_types"}]}` + "\n"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	draft := hook.Policy{ProjectID: 1, HookTypes: []hook.EventType{hook.PushImage}, Filters: []hook.Filter{{Kind: "tag", Pattern: "v.*"}}}
	if diff := cmp.Diff(draft, s.draft); diff != "" || s.last != 7 {
		t.Errorf("asked for the last %d of %s", s.last, diff)
	}
}

func TestAPreviewLooksAtAHundredEventsByDefault(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantStatus(t, s.do(admin, "POST", previewPath, `{"event_types":["pushImage"]}`), http.StatusOK)
	if s.last != 100 || len(s.draft.HookTypes) != 1 {
		t.Errorf("asked for the last %d of %+v", s.last, s.draft)
	}
}

func TestAPreviewRefusesWhatIsNoDraft(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `[]`, `{}`, `{"hook_types":"pushImage"}`, `{"hook_types":["pushImage"],"target":"https://example.com"}`,
		`{"hook_types":["pushImage"],"last":"all"}`, `{"hook_types":["pushImage"],"last":1.5}`, `{"hook_types":["pushImage"],"filters":{}}`,
	} {
		s := newSite(t)
		wantProblem(t, s.do(admin, "POST", previewPath, body), http.StatusBadRequest)
		if len(s.draft.HookTypes) > 0 {
			t.Errorf("%s: was tried", body)
		}
	}
}
