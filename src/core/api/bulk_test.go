package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
)

func TestManyRedeliveriesBecomeABulk(t *testing.T) {
	t.Parallel()
	for base, created := range map[string]string{"/api": "2020-03-03T07:58:52Z", "/api/v2.0": "2020-03-03T07:58:52.000Z"} {
		s := newSite(t)
		w := s.do(admin, "POST", base+"/projects/p1/webhook/jobs/redeliver", `{"text":"many"}`)
		wantStatus(t, w, http.StatusAccepted)
		place := w.Header().Get("Location")
		if place != base+"/projects/1/webhook/bulk/7" {
			t.Errorf("Location is %q", place)
		}
		want := `{"id":7,"status":"pending","total":5000,"done":0,"failed":0,"started_by":"` + admin + `","creation_time":"` + created + `","update_time":"` + created + `"}` + "\n"
		if got := w.Body.String(); got != want {
			t.Errorf("answers %s", got)
		}
		if last := s.audit[len(s.audit)-1]; last.Action != hook.AuditRedeliver || last.Detail != "5000 jobs, as bulk 7" {
			t.Errorf("audit %+v", last)
		}
		s.bulks[0].Status, s.bulks[0].Done, s.bulks[0].Failed = hook.BulkRunning, 100, 2
		if got := s.do(master, "GET", place, "").Body.String(); !strings.Contains(got, `"status":"running","total":5000,"done":100,"failed":2`) {
			t.Errorf("shows %s", got)
		}
		wantStatus(t, s.do(admin, "POST", place+"/stop", ""), http.StatusOK)
		if got := wantProblem(t, s.do(admin, "POST", place+"/stop", ""), http.StatusConflict); got != "the bulk is over" {
			t.Errorf("says %q", got)
		}
		for _, id := range []string{"8", "x", "0"} {
			wantProblem(t, s.do(admin, "GET", base+"/projects/p1/webhook/bulk/"+id, ""), http.StatusNotFound)
			wantProblem(t, s.do(admin, "POST", base+"/projects/p1/webhook/bulk/"+id+"/stop", ""), http.StatusNotFound)
		}
	}
}
