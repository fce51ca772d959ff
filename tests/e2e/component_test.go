package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/tests/harness"
)

// everyComponentEvent returns one event of each type that components raise: the
// catalog's samples, in the project.
func everyComponentEvent(project string) []harness.Told {
	var told []harness.Told
	for _, typ := range event.DefaultCatalog().Types() {
		if !typ.OfComponent() {
			continue
		}
		e := harness.Told{
			"id": uuid.NewString(), "type": string(typ.Name), "project": project, "repository": typ.Sample.Repository,
			"occurred_at": typ.Sample.OccurredAt, "operator": typ.Sample.Operator, "data": typ.Sample.Data,
		}
		if len(typ.Sample.Resources) > 0 {
			e["tag"], e["digest"] = typ.Sample.Resources[0].Tag, typ.Sample.Resources[0].Digest
		}
		told = append(told, e)
	}
	return told
}

func TestEventsOfComponentsOfEachTypeReachTheReceiver(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		told := everyComponentEvent(c.project)
		want := map[string]bool{}
		var types []string
		for _, e := range told {
			name := e["type"].(string)
			types = append(types, name)
			want[name] = true
		}
		c.policy(t, types...)

		if got := strings.TrimSpace(c.MustTell(t, told).Body); got != fmt.Sprintf(`{"accepted":%d}`, len(told)) {
			t.Fatal(got)
		}
		got := map[string]bool{}
		for _, d := range c.receiver.Wait(t, len(told), soon) {
			var body struct {
				EventType string `json:"event_type"`
			}
			if err := json.Unmarshal(d.Body, &body); err != nil || body.EventType != d.Header.Get("X-Harbor-Event-Type") {
				t.Errorf("%v in %s of %s", err, d.Body, d.Header.Get("X-Harbor-Event-Type"))
			}
			got[body.EventType] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("types (-want +got):\n%s", diff)
		}
		c.Admin.FinalJobs(t, c.project, len(told), soon)
	})
}

func TestABadListOfEventsIsRefusedAsAWhole(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "scanningCompleted")
		good := harness.NewScan(c.project, "app", "v1")
		for name, test := range map[string]struct {
			bad     harness.Told
			message string
		}{
			"no overview":     {harness.NewScan(c.project, "app", "v2").With("data", map[string]any{}), "/1/data/scan_overview: is missing"},
			"unknown project": {harness.NewScan("nobody", "app", "v2"), "/1/project: there is no project of this name"},
			"unknown type":    {harness.NewScan(c.project, "app", "v2").With("type", "explode"), "/1/type: "},
		} {
			reply := c.Tell(t, []harness.Told{good, test.bad})
			var problem struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal([]byte(reply.Body), &problem); err != nil {
				t.Errorf("%s: %v in %s", name, err, reply.Body)
			}
			if reply.Status != http.StatusBadRequest || problem.Code != http.StatusBadRequest || !strings.HasPrefix(problem.Message, test.message) {
				t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
			}
		}
		if jobs := c.Admin.Jobs(t, c.project); len(jobs) != 0 {
			t.Errorf("refused events have jobs: %+v", jobs)
		}
		// The good one is as new as if nobody had told of it.
		c.MustTell(t, good)
		c.Admin.FinalJobs(t, c.project, 1, soon)
	})
}

func TestComponentsNeedATokenOfTheirOwn(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "scanningCompleted")
		scan := harness.NewScan(c.project, "app", "v1")
		for name, authorization := range map[string]string{
			"no token": "", "wrong token": "Bearer wrong", "the registry's token": "Bearer " + s.Token, "token as password": "Basic " + s.ComponentToken,
		} {
			if reply := c.TellAs(t, authorization, scan); reply.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
			}
		}
		if reply := c.As("", "").Do(t, http.MethodPost, "/service/notifications", harness.Envelope(), "Authorization", "Bearer "+s.ComponentToken,
			"Content-Type", "application/json"); reply.Status != http.StatusUnauthorized {
			t.Errorf("a component plays the registry: %d %s", reply.Status, reply.Body)
		}
		if jobs := c.Admin.Jobs(t, c.project); len(jobs) != 0 {
			t.Errorf("refused events have jobs: %+v", jobs)
		}
	})
}

func TestTheSameEventOfAComponentIsOneDeliveryHoweverOftenItComes(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "scanningCompleted", "pushImage")
		scan := harness.NewScan(c.project, "app", "v1")
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				// A busy machine may say 503, after which a component repeats.
				reply, err := c.TryTell([]harness.Told{scan, scan})
				if err != nil || reply.Status != http.StatusOK && reply.Status != http.StatusServiceUnavailable {
					t.Errorf("%d %v: %s", reply.Status, err, reply.Body)
				}
			})
		}
		group.Wait()
		c.MustTell(t, scan)
		c.Admin.FinalJobs(t, c.project, 1, soon)

		// A registry that gives the same id means another event.
		push := harness.NewPush(c.project+"/app", "v1")
		push.ID = scan["id"].(string)
		c.MustNotify(t, push)
		c.Admin.FinalJobs(t, c.project, 2, soon)
		if got := c.receiver.Got(); len(got) != 2 {
			t.Errorf("%d deliveries, want 2", len(got))
		}
	})
}
