package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// shown reads what a browser was answered, which must be a 200.
func shown[T any](t *testing.T, reply harness.Reply) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(reply.Body), &v); err != nil || reply.Status != http.StatusOK {
		t.Fatalf("%d, %v: %s", reply.Status, err, reply.Body)
	}
	return v
}

// wantReply checks the status of a browser's answer.
func wantReply(t *testing.T, what string, reply harness.Reply, status int) {
	t.Helper()
	if reply.Status != status {
		t.Fatalf("%s: %d, want %d: %s", what, reply.Status, status, reply.Body)
	}
}

// The calls of Harbor's own portal (2.15), in its order, from the login over the
// Webhooks tab to the log of a delivery. It keeps nothing of an answer but the
// cookie and the CSRF token.
func TestHarborsPortalCanWork(t *testing.T) {
	eachShape(t, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		name := c.memberNamed(t, c.project, 1)
		b := s.NewBrowser(t)
		b.Token = "of an earlier session"

		info := shown[map[string]any](t, b.Get(t, "/api/v2.0/systeminfo"))
		if info["auth_mode"] != "db_auth" || info["self_registration"] != false || info["harbor_version"] == "" {
			t.Errorf("system info is %v", info)
		}
		refused := b.Get(t, "/api/v2.0/users/current")
		wantReply(t, "nobody's profile", refused, http.StatusUnauthorized)
		if refused.Header.Get("WWW-Authenticate") != "" {
			t.Error("the browser would ask for a password over the portal's form")
		}
		signIn(t, b, name)

		project := portalProject(t, b, c, name)
		portalPermissions(t, b, project)
		portalPolicies(t, b, c, project)

		wantReply(t, "sign out", b.Get(t, "/c/log_out"), http.StatusOK)
		if len(b.Cookies(t)) > 0 {
			t.Errorf("cookies stay: %v", b.Cookies(t))
		}
		wantReply(t, "nobody's profile", b.Get(t, "/api/v2.0/users/current"), http.StatusUnauthorized)
	})
}

// portalProject goes over the list of projects into one, and returns its id.
func portalProject(t *testing.T, b *harness.Browser, c *scene, username string) int64 {
	t.Helper()
	user := shown[struct {
		ID       int64  `json:"user_id"`
		Username string `json:"username"`
		Admin    bool   `json:"sysadmin_flag"`
	}](t, b.Get(t, "/api/v2.0/users/current"))
	if user.ID == 0 || user.Username != username || user.Admin {
		t.Errorf("the user is %+v", user)
	}
	// The portal asks everybody's browser; who is no system admin does without.
	wantReply(t, "configurations", b.Get(t, "/api/v2.0/configurations"), http.StatusForbidden)
	numbers := shown[map[string]int](t, b.Get(t, "/api/v2.0/statistics"))
	if numbers["private_project_count"] != 1 {
		t.Errorf("statistics are %v", numbers)
	}
	reply := b.Get(t, "/api/v2.0/projects?page=1&page_size=15&with_detail=true&name="+c.project)
	type project struct {
		ID       int64             `json:"project_id"`
		Name     string            `json:"name"`
		Owner    string            `json:"owner_name"`
		Metadata map[string]string `json:"metadata"`
		Created  string            `json:"creation_time"`
	}
	list := shown[[]project](t, reply)
	if len(list) != 1 || reply.Header.Get("X-Total-Count") != "1" || list[0].Name != c.project || list[0].Metadata["public"] != "false" {
		t.Fatalf("projects are %+v", list)
	}
	id := list[0].ID
	if got := shown[project](t, b.Get(t, fmt.Sprintf("/api/v2.0/projects/%d", id))); got.ID != id || got.Created == "" {
		t.Errorf("the project is %+v", got)
	}
	summary := shown[map[string]any](t, b.Get(t, fmt.Sprintf("/api/v2.0/projects/%d/summary", id)))
	if _, ok := summary["quota"]; !ok || summary["project_admin_count"] == nil {
		t.Errorf("the summary is %v", summary)
	}
	found := shown[struct{ Project []project }](t, b.Get(t, "/api/v2.0/search?q="+c.project))
	if !slices.ContainsFunc(found.Project, func(p project) bool { return p.ID == id }) {
		t.Errorf("the search finds %+v", found)
	}
	return id
}

// portalPermissions asks what decides which tabs and buttons there are.
func portalPermissions(t *testing.T, b *harness.Browser, project int64) {
	t.Helper()
	type permission struct{ Resource, Action string }
	granted := shown[[]permission](t, b.Get(t, fmt.Sprintf("/api/v2.0/users/current/permissions?scope=/project/%d&relative=true", project)))
	for _, action := range []string{"list", "read", "create", "update", "delete"} {
		if !slices.Contains(granted, permission{"notification-policy", action}) {
			t.Errorf("the page would not offer to %s policies: %v", action, granted)
		}
	}
}

// portalPolicies works on the Webhooks tab.
func portalPolicies(t *testing.T, b *harness.Browser, c *scene, project int64) {
	t.Helper()
	webhook := fmt.Sprintf("/api/v2.0/projects/%d/webhook/", project)
	offered := shown[struct {
		EventType  []string `json:"event_type"`
		NotifyType []string `json:"notify_type"`
		Formats    []struct {
			NotifyType string   `json:"notify_type"`
			Formats    []string `json:"formats"`
		} `json:"payload_formats"`
	}](t, b.Get(t, webhook+"events"))
	if !slices.Contains(offered.EventType, "PUSH_ARTIFACT") || !slices.Contains(offered.NotifyType, "http") || len(offered.Formats) == 0 {
		t.Errorf("offered are %+v", offered)
	}
	if reply := b.Get(t, webhook+"policies?page=1&page_size=15"); strings.TrimSpace(reply.Body) != "[]" || reply.Header.Get("X-Total-Count") != "0" {
		t.Errorf("policies at first: %d %s", reply.Status, reply.Body)
	}
	// The name is looked for while it is typed.
	if got := shown[[]any](t, b.Get(t, webhook+"policies?q="+url.QueryEscape("name=ci"))); len(got) != 0 {
		t.Errorf("the name is taken by %v", got)
	}
	created := b.Send(t, http.MethodPost, webhook+"policies", map[string]any{
		"name": "ci", "description": "", "enabled": true, "event_types": []string{"PUSH_ARTIFACT"},
		"targets": []map[string]any{{"type": "http", "address": c.receiver.URL + "/hook", "skip_cert_verify": true, "payload_format": "CloudEvents", "auth_header": "Bearer x"}},
	})
	wantReply(t, "create", created, http.StatusCreated)

	list := shown[[]map[string]any](t, b.Get(t, webhook+"policies?page=1&page_size=15"))
	if len(list) != 1 || list[0]["name"] != "ci" || list[0]["creation_time"] == "" {
		t.Fatalf("policies are %v", list)
	}
	policy := list[0]
	address := webhook + "policies/" + strconv.FormatInt(int64(policy["id"].(float64)), 10)
	policy["enabled"] = false
	wantReply(t, "disable", b.Send(t, http.MethodPut, address, policy), http.StatusOK)
	policy["enabled"] = true
	wantReply(t, "enable", b.Send(t, http.MethodPut, address, policy), http.StatusOK)

	c.MustNotify(t, harness.NewPush(c.project+"/app", "v1"))
	c.receiver.Wait(t, 1, soon)
	c.Admin.FinalJobs(t, c.project, 1, soon)
	portalExecution(t, b, address)
	wantReply(t, "delete", b.Send(t, http.MethodDelete, address, nil), http.StatusOK)
	wantReply(t, "the deleted policy", b.Get(t, address), http.StatusNotFound)
}

// portalExecution opens the last execution of a policy, its tasks, and the log.
func portalExecution(t *testing.T, b *harness.Browser, policy string) {
	t.Helper()
	reply := b.Get(t, policy+"/executions?page=1&page_size=15&sort=-creation_time")
	executions := shown[[]struct {
		ID         int64          `json:"id"`
		VendorType string         `json:"vendor_type"`
		Status     string         `json:"status"`
		Metrics    map[string]int `json:"metrics"`
		ExtraAttrs struct {
			EventType string `json:"event_type"`
			Payload   string `json:"payload"`
		} `json:"extra_attrs"`
		Start string `json:"start_time"`
	}](t, reply)
	if len(executions) != 1 || reply.Header.Get("X-Total-Count") != "1" {
		t.Fatalf("executions are %+v", executions)
	}
	e := executions[0]
	if e.VendorType != "WEBHOOK" || e.Status != "Success" || e.Metrics["success_task_count"] != 1 || e.ExtraAttrs.EventType != "PUSH_ARTIFACT" ||
		!json.Valid([]byte(e.ExtraAttrs.Payload)) || e.Start == "" {
		t.Errorf("the execution is %+v", e)
	}
	tasks := fmt.Sprintf("%s/executions/%d/tasks", policy, e.ID)
	list := shown[[]struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
		Start  string `json:"start_time"`
		End    string `json:"end_time"`
	}](t, b.Get(t, tasks+"?page=1&page_size=15"))
	if len(list) != 1 || list[0].Status != "Success" || list[0].Start == "" || list[0].End == "" {
		t.Fatalf("tasks are %+v", list)
	}
	log := b.Get(t, fmt.Sprintf("%s/%d/log", tasks, list[0].ID))
	if log.Status != http.StatusOK || !strings.HasPrefix(log.Header.Get("Content-Type"), "text/plain") || !strings.Contains(log.Body, "success to run webhook job") {
		t.Errorf("the log is %d %v %s", log.Status, log.Header, log.Body)
	}
}
