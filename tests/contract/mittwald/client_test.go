package mittwald

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/mittwald/goharbor-client/v5/apiv2"
	"github.com/mittwald/goharbor-client/v5/apiv2/model"
	"github.com/mittwald/goharbor-client/v5/apiv2/pkg/config"
)

// The variables that make contract sets.
func environment(t *testing.T) (url, password string) {
	t.Helper()
	url, password = os.Getenv("CONTRACT_URL"), os.Getenv("CONTRACT_PASSWORD")
	if url == "" {
		t.Skip("CONTRACT_URL names no server: run make contract")
	}
	return url, password
}

// as returns the client of one user.
func as(t *testing.T, username, password string) *apiv2.RESTClient {
	t.Helper()
	url, _ := environment(t)
	c, err := apiv2.NewRESTClientForHost(url+"/api", username, password, config.Defaults())
	must(t, err)
	return c
}

// admin returns the client of the system admin.
func admin(t *testing.T) *apiv2.RESTClient {
	t.Helper()
	_, password := environment(t)
	return as(t, "admin", password)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unique returns a name that no earlier run has used.
func unique(what string) string { return what + strconv.FormatInt(time.Now().UnixNano(), 36) }

func newProject(t *testing.T, c *apiv2.RESTClient) *model.Project {
	t.Helper()
	name, limit := unique("mittwald"), int64(-1)
	must(t, c.NewProject(t.Context(), &model.ProjectReq{ProjectName: name, StorageLimit: &limit, Metadata: &model.ProjectMetadata{Public: "false"}}))
	t.Cleanup(func() {
		if exists, err := c.ProjectExists(t.Context(), name); err == nil && exists {
			_ = c.DeleteProject(t.Context(), name)
		}
	})
	p, err := c.GetProject(t.Context(), name)
	must(t, err)
	return p
}

func TestProjects(t *testing.T) {
	c := admin(t)
	p := newProject(t, c)
	if p.Metadata.Public != "false" || p.OwnerName != "admin" || time.Time(p.CreationTime).IsZero() {
		t.Errorf("project is %+v", p)
	}
	listed, err := c.ListProjects(t.Context(), p.Name)
	must(t, err)
	if len(listed) != 1 || listed[0].ProjectID != p.ProjectID {
		t.Errorf("projects are %+v", listed)
	}
	p.Metadata.Public = "true"
	must(t, c.UpdateProject(t.Context(), p, nil))
	changed, err := c.GetProject(t.Context(), strconv.Itoa(int(p.ProjectID)))
	must(t, err)
	if changed.Metadata.Public != "true" {
		t.Errorf("project is %+v", changed)
	}
	must(t, c.DeleteProject(t.Context(), p.Name))
	if exists, err := c.ProjectExists(t.Context(), p.Name); err != nil || exists {
		t.Errorf("a deleted project exists: %t, %v", exists, err)
	}
}

func TestMembersAndUsers(t *testing.T) {
	c := admin(t)
	p := newProject(t, c)
	username, password := unique("user"), "Passw0rd-of-tests"
	must(t, c.NewUser(t.Context(), username, username+"@example.com", username, password, "for the tests"))
	u, err := c.GetUserByName(t.Context(), username)
	must(t, err)
	again, err := c.GetUserByID(t.Context(), u.UserID)
	must(t, err)
	if again.Username != username || again.Email != username+"@example.com" || again.SysadminFlag {
		t.Errorf("user is %+v", again)
	}

	added := &model.ProjectMember{RoleID: 3, MemberUser: &model.UserEntity{Username: username}}
	must(t, c.AddProjectMember(t.Context(), p.Name, added))
	added.RoleID = 4
	must(t, c.UpdateProjectMember(t.Context(), p.Name, added))
	members, err := c.ListProjectMembers(t.Context(), p.Name, username)
	must(t, err)
	if len(members) != 1 || members[0].RoleID != 4 || members[0].RoleName != "maintainer" || members[0].EntityID != u.UserID {
		t.Errorf("members are %+v", members)
	}

	theirs := as(t, username, password)
	granted, err := theirs.GetCurrentUserPermisisons(t.Context(), true, fmt.Sprintf("/project/%d", p.ProjectID))
	must(t, err)
	may := map[string]bool{}
	for _, g := range granted {
		may[g.Resource+":"+g.Action] = true
	}
	if !may["notification-policy:list"] || may["notification-policy:create"] {
		t.Errorf("a maintainer may %v", may)
	}
	must(t, theirs.UpdateUserPassword(t.Context(), u.UserID, &model.PasswordReq{OldPassword: password, NewPassword: password + "-2"}))
	current, err := as(t, username, password+"-2").GetCurrentUserInfo(t.Context())
	must(t, err)
	if current.UserID != u.UserID {
		t.Errorf("current user is %+v", current)
	}

	must(t, c.DeleteProjectMember(t.Context(), p.Name, added))
	members, err = c.ListProjectMembers(t.Context(), p.Name, username)
	must(t, err)
	if len(members) != 0 {
		t.Errorf("members are %+v", members)
	}
}

func TestWebhookPolicies(t *testing.T) {
	c := admin(t)
	p := newProject(t, c)
	project := int(p.ProjectID)
	must(t, c.AddProjectWebhookPolicy(t.Context(), project, &model.WebhookPolicy{
		Name: "ci", Description: "tell CI", Enabled: true, ProjectID: int64(p.ProjectID), EventTypes: []string{"PUSH_ARTIFACT"},
		Targets: []*model.WebhookTargetObject{{Type: "http", Address: "https://ci.example.com/hook", AuthHeader: "Bearer s3cret", SkipCertVerify: true}},
	}))
	policy := onlyPolicy(t, c, project)
	target := policy.Targets[0]
	if policy.Name != "ci" || policy.Description != "tell CI" || !policy.Enabled || policy.Creator != "admin" ||
		len(policy.EventTypes) != 1 || policy.EventTypes[0] != "PUSH_ARTIFACT" || target.AuthHeader != "Bearer s3cret" || !target.SkipCertVerify {
		t.Errorf("policy is %+v, target %+v", policy, target)
	}
	policy.Enabled, policy.EventTypes = false, []string{"PUSH_ARTIFACT", "DELETE_ARTIFACT"}
	must(t, c.UpdateProjectWebhookPolicy(t.Context(), project, policy))
	changed := onlyPolicy(t, c, project)
	if changed.Enabled || len(changed.EventTypes) != 2 || changed.Creator != "admin" || changed.CreationTime.String() != policy.CreationTime.String() ||
		changed.Targets[0].AuthHeader != "Bearer s3cret" {
		t.Errorf("policy is %+v, target %+v", changed, changed.Targets[0])
	}
	must(t, c.DeleteProjectWebhookPolicy(t.Context(), project, policy.ID))
	left, err := c.ListProjectWebhookPolicies(t.Context(), project)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("policies are %+v", left)
	}
}

func onlyPolicy(t *testing.T, c *apiv2.RESTClient, project int) *model.WebhookPolicy {
	t.Helper()
	listed, err := c.ListProjectWebhookPolicies(t.Context(), project)
	must(t, err)
	if len(listed) != 1 || len(listed[0].Targets) != 1 {
		t.Fatalf("policies are %+v", listed)
	}
	return listed[0]
}

func TestTheSite(t *testing.T) {
	c := admin(t)
	pong, err := c.GetPing(t.Context())
	must(t, err)
	if pong != "Pong" {
		t.Errorf("ping answers %q", pong)
	}
	state, err := c.GetHealth(t.Context())
	must(t, err)
	if state.Status != "healthy" || len(state.Components) == 0 {
		t.Errorf("health is %+v", state)
	}
	info, err := c.GetSystemInfo(t.Context())
	must(t, err)
	if info.AuthMode == nil || *info.AuthMode != "db_auth" {
		t.Errorf("system info is %+v", info)
	}
	newProject(t, c)
	counts, err := c.GetStatistic(t.Context())
	must(t, err)
	if counts.TotalProjectCount < 1 {
		t.Errorf("statistics are %+v", counts)
	}
}
