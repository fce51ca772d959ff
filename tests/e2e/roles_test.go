package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

const password = "Passw0rd-of-tests"

// member creates a user, with a role in the project unless that is 0.
func (c *scene) member(t *testing.T, project string, role int) *harness.Client {
	t.Helper()
	return c.As(c.memberNamed(t, project, role), password)
}

// memberNamed is member for whoever wants to know the name.
func (c *scene) memberNamed(t *testing.T, project string, role int) string {
	t.Helper()
	name := fmt.Sprintf("user%d", scenes.Add(1))
	c.Admin.CreateUser(t, name, password)
	if role != 0 {
		c.Admin.AddMember(t, project, name, role)
	}
	return name
}

// status is what a caller gets.
func status(t *testing.T, caller *harness.Client, method, address string, body any) int {
	t.Helper()
	return caller.Do(t, method, address, body).Status
}

func TestRolesDecideWhoMayDoWhat(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c, theirs := newScene(t, s), newScene(t, s)
		id := c.Admin.CreatePolicy(t, c.project, c.to(c.receiver.URL+"/hook?token=theirs-to-know", "pushImage"))
		c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
		job := c.Admin.FinalJobs(t, c.project, 1, soon)[0]

		for i, test := range []struct {
			name                          string
			caller                        *harness.Client
			read, write, project, foreign int
		}{
			{"system admin", c.Admin, 200, 201, 200, 404},
			{"project admin", c.member(t, c.project, 1), 200, 201, 200, 403},
			{"master", c.member(t, c.project, 4), 200, 403, 200, 403},
			{"developer", c.member(t, c.project, 2), 403, 403, 200, 403},
			{"guest", c.member(t, c.project, 3), 403, 403, 200, 403},
			{"other project's admin", c.member(t, theirs.project, 1), 403, 403, 403, 404},
			{"stranger", c.member(t, "", 0), 403, 403, 403, 403},
			{"anonymous", c.As("", ""), 401, 401, 401, 401},
		} {
			t.Run(test.name, func(t *testing.T) {
				policies, jobs := harness.Policies(c.project), harness.JobsOf(c.project)
				for _, address := range []string{
					policies, fmt.Sprintf("%s/%d", policies, id), jobs, fmt.Sprintf("%s/%d", jobs, job.ID),
					fmt.Sprintf("%s/%d/attempts", jobs, job.ID), fmt.Sprintf("%s/%d/log", jobs, job.ID),
				} {
					if got := status(t, test.caller, http.MethodGet, address, nil); got != test.read {
						t.Errorf("GET %s: %d, want %d", address, got, test.read)
					}
				}
				created := test.caller.Do(t, http.MethodPost, policies, c.to(fmt.Sprintf("https://example.com/%d", i), "deleteImage"))
				if created.Status != test.write {
					t.Errorf("create: %d, want %d: %s", created.Status, test.write, created.Body)
				}
				address := fmt.Sprintf("%s/%d", policies, id)
				if test.write != http.StatusCreated { // nobody may change it in between
					for _, method := range []string{http.MethodPut, http.MethodDelete} {
						if got := status(t, test.caller, method, address, map[string]any{"description": "changed"}); got != test.write {
							t.Errorf("%s: %d, want %d", method, got, test.write)
						}
					}
				}
				if got := status(t, test.caller, http.MethodGet, "/api/projects/"+c.project, nil); got != test.project {
					t.Errorf("project: %d, want %d", got, test.project)
				}
				// Ids of one project do not lead into it through another one.
				for _, foreign := range []string{
					fmt.Sprintf("%s/%d", harness.Policies(theirs.project), id), fmt.Sprintf("%s/%d/log", harness.JobsOf(theirs.project), job.ID),
				} {
					if got := status(t, test.caller, http.MethodGet, foreign, nil); got != test.foreign {
						t.Errorf("GET %s: %d, want %d", foreign, got, test.foreign)
					}
				}
			})
		}
		if got := status(t, c.As("nobody", "wrong"), http.MethodGet, harness.Policies(c.project), nil); got != http.StatusUnauthorized {
			t.Errorf("wrong password: %d", got)
		}
		if got := status(t, c.Admin, http.MethodGet, harness.Policies("no-such-project"), nil); got != http.StatusNotFound {
			t.Errorf("unknown project: %d", got)
		}
		if got := status(t, c.As("", ""), http.MethodGet, harness.Policies("no-such-project"), nil); got != http.StatusUnauthorized {
			t.Errorf("unknown project, anonymous: %d", got)
		}
	})
}

func TestReadersWhoMayNotUpdateSeeNoQueryOfATarget(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		target := "https://example.com/hook?token=theirs-to-know"
		p := c.to(target, "pushImage")
		p.AuthHeader = "Bearer nobody-reads-this"
		id := c.Admin.CreatePolicy(t, c.project, p)
		for name, test := range map[string]struct {
			caller *harness.Client
			want   string
		}{
			"admin":  {c.Admin, target},
			"master": {c.member(t, c.project, 4), "https://example.com/hook?token=********"},
		} {
			body := test.caller.Do(t, http.MethodGet, fmt.Sprintf("%s/%d", harness.Policies(c.project), id), nil).Body
			var shown struct {
				Target     string `json:"target"`
				AuthHeader string `json:"auth_header"`
			}
			if err := json.Unmarshal([]byte(body), &shown); err != nil {
				t.Fatalf("%v in %s", err, body)
			}
			if shown.Target != test.want || shown.AuthHeader != "********" || strings.Contains(body, "nobody-reads-this") {
				t.Errorf("%s reads %s", name, body)
			}
		}
	})
}
