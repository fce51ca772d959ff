package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
)

// A policy has the names of the family through which its event types were last
// written, which a write that changes none of them is not.
func TestWhoseNamesAPolicyHas(t *testing.T) {
	t.Parallel()
	const first, second = policiesPath, secondPolicies
	for _, step := range []struct {
		name, path, types string
		had, want         hook.Naming
	}{
		{"the same types, first family", first, `"hook_types":["pushImage"]`, hook.NamingHarbor2, hook.NamingHarbor2},
		{"no types", first, `"description":"x"`, hook.NamingHarbor2, hook.NamingHarbor2},
		{"other types, first family", first, `"event_types":["pullImage","pushImage"]`, hook.NamingHarbor2, hook.NamingOurs},
		{"the same types, second family", second, `"event_types":["PUSH_ARTIFACT"]`, hook.NamingOurs, hook.NamingOurs},
		{"the same types of a policy without a naming", second, `"event_types":["PUSH_ARTIFACT"]`, "", ""},
		{"other types, second family", second, `"event_types":["PUSH_ARTIFACT","PULL_ARTIFACT"]`, hook.NamingOurs, hook.NamingHarbor2},
	} {
		s := newSite(t)
		s.policies[0].Naming = step.had
		wantStatus(t, s.do(admin, "PUT", step.path+"/3", "{"+step.types+"}"), http.StatusOK)
		if got := s.policies[0].Naming; got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	s := newSite(t)
	wantStatus(t, s.do(admin, "POST", first, newPolicy), http.StatusCreated)
	wantStatus(t, s.do(admin, "POST", second+"/test", `{"targets":[{"type":"http","address":"https://x.example.com"}]}`), http.StatusOK)
	if created, tested := s.policies[1].Naming, s.tested.Naming; created != hook.NamingOurs || tested != hook.NamingHarbor2 {
		t.Errorf("created %q, tested %q", created, tested)
	}
}

// What Harbor 2's clients see of a delivery is the name that its receiver was told,
// if that is one of Harbor 2's.
func TestADeliveryHasTheNameOfItsSubscription(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"PUSH_ARTIFACT": "PUSH_ARTIFACT", "UPLOAD_CHART": "UPLOAD_CHART", "uploadChart": "UPLOAD_CHART", "": "UPLOAD_CHART"} {
		s := newSite(t)
		s.jobs[0].HookType, s.jobs[0].EventName = hook.UploadChart, name
		for _, path := range []string{secondPolicies + "/3/executions", secondJobs + "/11", jobsPath + "/11"} {
			if got := s.do(admin, "GET", path, "").Body.String(); !strings.Contains(got, `"event_type":"`+want+`"`) {
				t.Errorf("%q at %s: %s", name, path, got)
			}
		}
		if got := s.do(admin, "GET", jobsPath+"/11", "").Body.String(); !strings.Contains(got, `"hook_type":"uploadChart"`) {
			t.Errorf("%q: %s", name, got)
		}
	}
}
