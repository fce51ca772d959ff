package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/harborhook/harborhook/tests/harness"
)

// robot is a robot account as it was made.
type robot struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Secret string `json:"secret"`
}

func robotsOf(project string) string { return "/api/v2.0/projects/" + project + "/robots" }

// robotBody is what Harbor's clients send; permissions are "resource:action".
func robotBody(project, name string, permissions ...string) map[string]any {
	var access []map[string]string
	for _, p := range permissions {
		resource, action, _ := strings.Cut(p, ":")
		access = append(access, map[string]string{"resource": resource, "action": action})
	}
	return map[string]any{
		"name": name, "level": "project", "duration": 7,
		"permissions": []map[string]any{{"kind": "project", "namespace": project, "access": access}},
	}
}

func (c *scene) newRobot(t *testing.T, caller *harness.Client, permissions ...string) robot {
	t.Helper()
	reply := change(t, caller, http.StatusCreated, http.MethodPost, robotsOf(c.project), robotBody(c.project, fmt.Sprintf("r%d", scenes.Add(1)), permissions...))
	var r robot
	if err := json.Unmarshal([]byte(reply.Body), &r); err != nil || r.Secret == "" || !strings.HasPrefix(r.Name, "robot$"+c.project+"+r") {
		t.Fatalf("%v: %s", err, reply.Body)
	}
	if got := reply.Header.Get("Location"); got != robotsOf(c.project)+"/"+strconv.FormatInt(r.ID, 10) {
		t.Errorf("Location is %q", got)
	}
	return r
}

func TestARobotDoesWhatItWasGiven(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c, other := newScene(t, s), newScene(t, s)
		admin := c.member(t, c.project, 1)
		id := c.policy(t, "pushImage")
		made := c.newRobot(t, admin, "notification-policy:list", "notification-policy:read", "notification-policy:create", "notification-job:list")
		r := c.As(made.Name, made.Secret)
		policy := fmt.Sprintf("%s/%d", harness.Policies(c.project), id)
		for _, test := range []struct {
			method, address string
			body            any
			status          int
		}{
			{http.MethodGet, harness.Policies(c.project), nil, 200},
			{http.MethodGet, policy, nil, 200},
			{http.MethodGet, secondFamily(c.project, "policies"), nil, 200},
			{http.MethodGet, harness.JobsOf(c.project), nil, 200},
			{http.MethodPost, harness.Policies(c.project), c.to("https://example.com/", "pushImage"), 201},
			{http.MethodPut, policy, map[string]any{"enabled": false}, 403},
			{http.MethodDelete, policy, nil, 403},
			{http.MethodGet, robotsOf(c.project), nil, 403},
			{http.MethodPost, robotsOf(c.project), robotBody(c.project, "child", "notification-policy:list"), 403},
			{http.MethodPost, "/api/projects/" + c.project + "/members", map[string]any{"role_id": 1}, 403},
			{http.MethodDelete, "/api/projects/" + c.project, nil, 403},
			{http.MethodGet, harness.Policies(other.project), nil, 403},
			{http.MethodPost, "/api/projects", map[string]any{"project_name": "robots-own"}, 403},
			{http.MethodGet, "/api/users", nil, 403},
			{http.MethodGet, currentUser, nil, 403},
		} {
			if got := r.Do(t, test.method, test.address, test.body); got.Status != test.status {
				t.Errorf("%s %s: %d, want %d: %s", test.method, test.address, got.Status, test.status, got.Body)
			}
		}
		if got := get[[]struct{ Creator string }](t, r, harness.Policies(c.project)); len(got) != 2 || got[1].Creator != made.Name {
			t.Errorf("policies are %+v", got)
		}
		b := s.NewBrowser(t)
		wantReply(t, "a session", b.SignIn(t, made.Name, made.Secret), http.StatusUnauthorized)
	})
}

func TestARobotIsManagedByItsProjectsAdmins(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c, other := newScene(t, s), newScene(t, s)
		admin, stranger := c.member(t, c.project, 1), c.member(t, other.project, 1)
		made := c.newRobot(t, admin, "notification-policy:list")
		place := robotsOf(c.project) + "/" + strconv.FormatInt(made.ID, 10)
		foreign := robotsOf(other.project) + "/" + strconv.FormatInt(made.ID, 10)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			if got := stranger.Do(t, method, foreign, map[string]any{"disable": true}).Status; got != http.StatusNotFound {
				t.Errorf("%s through another project: %d", method, got)
			}
			if got := stranger.Do(t, method, place, map[string]any{"disable": true}).Status; got != http.StatusForbidden {
				t.Errorf("%s by another project's admin: %d", method, got)
			}
		}
		if got := change(t, admin, http.StatusOK, http.MethodGet, robotsOf(c.project), nil).Body; !strings.Contains(got, made.Name) || strings.Contains(got, made.Secret) {
			t.Errorf("the list is %s", got)
		}
		works := func(secret string) int {
			t.Helper()
			return status(t, c.As(made.Name, secret), http.MethodGet, harness.Policies(c.project), nil)
		}
		if got := works(made.Secret); got != http.StatusOK {
			t.Errorf("the new robot: %d", got)
		}
		reply := change(t, admin, http.StatusOK, http.MethodPost, place+"/secret/rotate", nil)
		var fresh robot
		if err := json.Unmarshal([]byte(reply.Body), &fresh); err != nil || fresh.Secret == made.Secret {
			t.Fatalf("%v: %s", err, reply.Body)
		}
		if was, is := works(made.Secret), works(fresh.Secret); was != http.StatusUnauthorized || is != http.StatusOK {
			t.Errorf("the old secret: %d, the new one: %d", was, is)
		}
		change(t, admin, http.StatusOK, http.MethodPut, place, map[string]any{"disable": true})
		if got := works(fresh.Secret); got != http.StatusUnauthorized {
			t.Errorf("disabled: %d", got)
		}
		change(t, admin, http.StatusOK, http.MethodPut, place, map[string]any{"disable": false})
		if got := works(fresh.Secret); got != http.StatusOK {
			t.Errorf("enabled again: %d", got)
		}
		change(t, admin, http.StatusOK, http.MethodDelete, place, nil)
		if got := works(fresh.Secret); got != http.StatusUnauthorized {
			t.Errorf("deleted: %d", got)
		}
		trail := change(t, admin, http.StatusOK, http.MethodGet, secondFamily(c.project, "audit"), nil).Body
		for _, action := range []string{"create_robot", "rotate_robot_secret", "update_robot", "delete_robot"} {
			if !strings.Contains(trail, `"action":"`+action+`"`) {
				t.Errorf("%s is not in the audit trail %s", action, trail)
			}
		}
	})
}

// The registry of the standalone shape asks robots for their secret, and hands
// them tokens.
func TestARobotPushesAndPulls(t *testing.T) {
	t.Parallel()
	harness.Require(t, "crane")
	c := newScene(t, suite.Standalone(t))
	other := newScene(t, c.System)
	c.policy(t, "pushImage")
	img := harness.Image(t, harness.Formats()[1], "amd64")
	tagged := func(project string) string { return c.Registry + "/" + project + "/app:v1" }
	ref, err := name.NewTag(tagged(c.project), name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.tar")
	if err := tarball.WriteToFile(file, ref, img); err != nil {
		t.Fatal(err)
	}
	pusher := c.newRobot(t, c.Admin, "repository:pull", "repository:push")
	puller := c.newRobot(t, c.Admin, "repository:pull")
	reader := c.newRobot(t, c.Admin, "notification-policy:list")

	push, pull := c.Login(t, pusher.Name, pusher.Secret), c.Login(t, puller.Name, puller.Secret)
	push.Run(t, "crane", "push", "--insecure", file, ref.String())
	if m := read(t, c.exactly(t, 1)[0]); m.Events[0].Tag != "v1" || m.Events[0].Operator != pusher.Name {
		t.Errorf("%+v", m)
	}
	pull.Run(t, "crane", "digest", "--insecure", ref.String())
	pull.Run(t, "crane", "pull", "--insecure", ref.String(), filepath.Join(t.TempDir(), "back.tar"))

	for what, refused := range map[string]struct {
		login harness.Login
		args  []string
	}{
		"a push of who may pull":          {pull, []string{"push", "--insecure", file, c.Registry + "/" + c.project + "/theirs:v1"}},
		"a push to another project":       {push, []string{"push", "--insecure", file, tagged(other.project)}},
		"a pull of who may do neither":    {c.Login(t, reader.Name, reader.Secret), []string{"digest", "--insecure", ref.String()}},
		"a deletion":                      {push, []string{"delete", "--insecure", ref.String()}},
		"a pull with a wrong secret":      {c.Login(t, puller.Name, pusher.Secret), []string{"digest", "--insecure", ref.String()}},
		"the list of all repositories":    {push, []string{"catalog", "--insecure", c.Registry}},
		"a pull from a project of others": {pull, []string{"digest", "--insecure", tagged(other.project)}},
	} {
		if out, err := refused.login.Try("crane", refused.args...); err == nil || !strings.Contains(out, "UNAUTHORIZED") && !strings.Contains(out, "DENIED") && !strings.Contains(out, "401") && !strings.Contains(out, "403") {
			t.Errorf("%s: %v %s", what, err, out)
		}
	}
	change(t, c.Admin, http.StatusOK, http.MethodDelete, robotsOf(c.project)+"/"+strconv.FormatInt(puller.ID, 10), nil)
	if out, err := pull.Try("crane", "digest", "--insecure", ref.String()); err == nil {
		t.Errorf("a deleted robot pulls: %s", out)
	}
}
