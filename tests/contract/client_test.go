package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goharbor/go-client/pkg/harbor"
	v2 "github.com/goharbor/go-client/pkg/sdk/v2.0/client"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/health"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/member"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/ping"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/project"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/search"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/statistic"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/systeminfo"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhook"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhookjob"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

// environment is what make contract sets.
type environment struct{ url, password, token string }

func environmentOf(t *testing.T) environment {
	t.Helper()
	e := environment{os.Getenv("CONTRACT_URL"), os.Getenv("CONTRACT_PASSWORD"), os.Getenv("CONTRACT_TOKEN")}
	if e.url == "" {
		t.Skip("CONTRACT_URL names no server: run make contract")
	}
	return e
}

// as returns the client of one user.
func (e environment) as(t *testing.T, username, password string) *v2.HarborAPI {
	t.Helper()
	set, err := harbor.NewClientSet(&harbor.ClientSetConfig{URL: e.url, Username: username, Password: password})
	must(t, err)
	return set.V2()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unique returns a name that no earlier run has used.
func unique(what string) string { return what + strconv.FormatInt(time.Now().UnixNano(), 36) }

func idOf(t *testing.T, location string) int64 {
	t.Helper()
	id, err := strconv.ParseInt(path.Base(location), 10, 64)
	if err != nil {
		t.Fatalf("Location %q ends in no id", location)
	}
	return id
}

func newProject(t *testing.T, c *v2.HarborAPI) (name string, id int64) {
	t.Helper()
	name = unique("contract")
	created, err := c.Project.CreateProject(t.Context(), project.NewCreateProjectParams().WithProject(
		&models.ProjectReq{ProjectName: name, Metadata: &models.ProjectMetadata{Public: "false"}}))
	must(t, err)
	t.Cleanup(func() {
		_, _ = c.Project.DeleteProject(t.Context(), project.NewDeleteProjectParams().WithProjectNameOrID(name))
	})
	return name, idOf(t, created.Location)
}

func TestProjects(t *testing.T) {
	e := environmentOf(t)
	admin := e.as(t, "admin", e.password)
	name, id := newProject(t, admin)
	read, err := admin.Project.GetProject(t.Context(), project.NewGetProjectParams().WithProjectNameOrID(strconv.FormatInt(id, 10)))
	must(t, err)
	if p := read.Payload; p.Name != name || int64(p.ProjectID) != id || p.Metadata.Public != "false" || time.Time(p.CreationTime).IsZero() {
		t.Errorf("project is %+v", p)
	}
	_, err = admin.Project.HeadProject(t.Context(), project.NewHeadProjectParams().WithProjectName(name))
	must(t, err)
	if _, err := admin.Project.HeadProject(t.Context(), project.NewHeadProjectParams().WithProjectName(unique("none"))); err == nil {
		t.Error("a project that does not exist is found")
	}
	listed, err := admin.Project.ListProjects(t.Context(), project.NewListProjectsParams().WithName(&name))
	must(t, err)
	if len(listed.Payload) != 1 || listed.XTotalCount != 1 {
		t.Errorf("found %d of %d projects", len(listed.Payload), listed.XTotalCount)
	}
	_, err = admin.Project.UpdateProject(t.Context(), project.NewUpdateProjectParams().WithProjectNameOrID(name).WithProject(
		&models.ProjectReq{Metadata: &models.ProjectMetadata{Public: "true"}}))
	must(t, err)
	read, err = admin.Project.GetProject(t.Context(), project.NewGetProjectParams().WithProjectNameOrID(name))
	must(t, err)
	if read.Payload.Metadata.Public != "true" {
		t.Error("the project is not public")
	}
	_, err = admin.Project.DeleteProject(t.Context(), project.NewDeleteProjectParams().WithProjectNameOrID(name))
	must(t, err)
	_, err = admin.Project.GetProject(t.Context(), project.NewGetProjectParams().WithProjectNameOrID(name))
	if err == nil || !strings.Contains(err.Error(), "404") { // the client has no type for it
		t.Errorf("a deleted project: %v", err)
	}
}

func TestMembersAndUsers(t *testing.T) {
	e := environmentOf(t)
	admin := e.as(t, "admin", e.password)
	name, id := newProject(t, admin)
	username, password := unique("user"), "Passw0rd-of-tests"
	created, err := admin.User.CreateUser(t.Context(), user.NewCreateUserParams().WithUserReq(
		&models.UserCreationReq{Username: username, Password: password, Email: username + "@example.com", Realname: username}))
	must(t, err)
	added, err := admin.Member.CreateProjectMember(t.Context(), member.NewCreateProjectMemberParams().WithProjectNameOrID(name).WithProjectMember(
		&models.ProjectMember{RoleID: 3, MemberUser: &models.UserEntity{Username: username}}))
	must(t, err)
	_, err = admin.Member.UpdateProjectMember(t.Context(), member.NewUpdateProjectMemberParams().WithProjectNameOrID(name).
		WithMid(idOf(t, added.Location)).WithRole(&models.RoleRequest{RoleID: 4}))
	must(t, err)
	one, err := admin.Member.GetProjectMember(t.Context(), member.NewGetProjectMemberParams().WithProjectNameOrID(name).WithMid(idOf(t, added.Location)))
	must(t, err)
	if one.Payload.EntityName != username || one.Payload.RoleID != 4 {
		t.Errorf("member is %+v", one.Payload)
	}
	listed, err := admin.Member.ListProjectMembers(t.Context(), member.NewListProjectMembersParams().WithProjectNameOrID(name).WithEntityname(&username))
	must(t, err)
	if len(listed.Payload) != 1 || listed.Payload[0].RoleID != 4 || listed.Payload[0].RoleName != "maintainer" {
		t.Errorf("members are %+v", listed.Payload)
	}

	theirs := e.as(t, username, password)
	scope, relative := fmt.Sprintf("/project/%d", id), true
	granted, err := theirs.User.GetCurrentUserPermissions(t.Context(), user.NewGetCurrentUserPermissionsParams().WithScope(&scope).WithRelative(&relative))
	must(t, err)
	may := map[string]bool{}
	for _, p := range granted.Payload {
		may[p.Resource+":"+p.Action] = true
	}
	if !may["notification-policy:list"] || may["notification-policy:create"] {
		t.Errorf("a maintainer may %v", may)
	}
	_, err = theirs.User.UpdateUserPassword(t.Context(), user.NewUpdateUserPasswordParams().WithUserID(idOf(t, created.Location)).
		WithPassword(&models.PasswordReq{OldPassword: password, NewPassword: password + "-2"}))
	must(t, err)
	current, err := e.as(t, username, password+"-2").User.GetCurrentUserInfo(t.Context(), user.NewGetCurrentUserInfoParams())
	must(t, err)
	if current.Payload.Username != username || current.Payload.SysadminFlag {
		t.Errorf("current user is %+v", current.Payload)
	}
	_, err = admin.Member.DeleteProjectMember(t.Context(), member.NewDeleteProjectMemberParams().WithProjectNameOrID(name).WithMid(idOf(t, added.Location)))
	must(t, err)
}

func TestTheSite(t *testing.T) {
	e := environmentOf(t)
	admin := e.as(t, "admin", e.password)
	name, _ := newProject(t, admin)
	pong, err := admin.Ping.GetPing(t.Context(), ping.NewGetPingParams())
	must(t, err)
	if pong.Payload != "Pong" {
		t.Errorf("ping answers %q", pong.Payload)
	}
	state, err := admin.Health.GetHealth(t.Context(), health.NewGetHealthParams())
	must(t, err)
	if state.Payload.Status != "healthy" || len(state.Payload.Components) == 0 {
		t.Errorf("health is %+v", state.Payload)
	}
	info, err := admin.Systeminfo.GetSystemInfo(t.Context(), systeminfo.NewGetSystemInfoParams())
	must(t, err)
	if info.Payload.AuthMode == nil || *info.Payload.AuthMode != "db_auth" {
		t.Errorf("system info is %+v", info.Payload)
	}
	counts, err := admin.Statistic.GetStatistic(t.Context(), statistic.NewGetStatisticParams())
	must(t, err)
	if counts.Payload.TotalProjectCount < 1 {
		t.Errorf("statistics are %+v", counts.Payload)
	}
	found, err := admin.Search.Search(t.Context(), search.NewSearchParams().WithQ(name))
	must(t, err)
	if len(found.Payload.Project) != 1 {
		t.Errorf("found %+v", found.Payload)
	}
	summary, err := admin.Project.GetProjectSummary(t.Context(), project.NewGetProjectSummaryParams().WithProjectNameOrID(name))
	must(t, err)
	if summary.Payload.ProjectAdminCount != 1 {
		t.Errorf("summary is %+v", summary.Payload)
	}
}

// scene is a project with a policy that leads to a receiver.
type scene struct {
	environment
	admin    *v2.HarborAPI
	project  string
	policy   int64
	received chan *http.Request
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{environment: environmentOf(t), received: make(chan *http.Request, 10)}
	s.admin = s.as(t, "admin", s.password)
	s.project, _ = newProject(t, s.admin)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.received <- r }))
	t.Cleanup(receiver.Close)
	created, err := s.admin.Webhook.CreateWebhookPolicyOfProject(t.Context(), webhook.NewCreateWebhookPolicyOfProjectParams().
		WithProjectNameOrID(s.project).WithPolicy(&models.WebhookPolicy{
		Name: "ci", Description: "tell CI", Enabled: true, EventTypes: []string{"PUSH_ARTIFACT"},
		Targets: []*models.WebhookTargetObject{{Type: "http", Address: receiver.URL + "/hook", AuthHeader: "Bearer s3cret", SkipCertVerify: true}},
	}))
	must(t, err)
	s.policy = idOf(t, created.Location)
	return s
}

func (s *scene) read(t *testing.T) *models.WebhookPolicy {
	t.Helper()
	read, err := s.admin.Webhook.GetWebhookPolicyOfProject(t.Context(),
		webhook.NewGetWebhookPolicyOfProjectParams().WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy))
	must(t, err)
	return read.Payload
}

func (s *scene) write(t *testing.T, p *models.WebhookPolicy) {
	t.Helper()
	_, err := s.admin.Webhook.UpdateWebhookPolicyOfProject(t.Context(),
		webhook.NewUpdateWebhookPolicyOfProjectParams().WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy).WithPolicy(p))
	must(t, err)
}

func TestWebhookPolicies(t *testing.T) {
	s := newScene(t)
	p := s.read(t)
	target := p.Targets[0]
	if p.ID != s.policy || p.Name != "ci" || p.Description != "tell CI" || !p.Enabled || p.Creator != "admin" || len(p.EventTypes) != 1 ||
		target.AuthHeader != "Bearer s3cret" || !target.SkipCertVerify || time.Time(p.CreationTime).IsZero() {
		t.Errorf("policy is %+v, target %+v", p, target)
	}
	p.Enabled, p.EventTypes, target.SkipCertVerify = false, []string{"PUSH_ARTIFACT", "DELETE_ARTIFACT"}, false
	s.write(t, p)
	changed := s.read(t)
	if changed.Enabled || len(changed.EventTypes) != 2 || changed.Targets[0].SkipCertVerify || changed.Creator != "admin" ||
		changed.CreationTime.String() != p.CreationTime.String() {
		t.Errorf("policy is %+v, target %+v", changed, changed.Targets[0])
	}

	q := "name=~C"
	listed, err := s.admin.Webhook.ListWebhookPoliciesOfProject(t.Context(), webhook.NewListWebhookPoliciesOfProjectParams().WithProjectNameOrID(s.project).WithQ(&q))
	must(t, err)
	if len(listed.Payload) != 1 || listed.XTotalCount != 1 {
		t.Errorf("listed %d of %d policies", len(listed.Payload), listed.XTotalCount)
	}
	events, err := s.admin.Webhook.GetSupportedEventTypes(t.Context(), webhook.NewGetSupportedEventTypesParams().WithProjectNameOrID(s.project))
	must(t, err)
	if len(events.Payload.EventType) == 0 || len(events.Payload.NotifyType) == 0 || len(events.Payload.PayloadFormats) == 0 {
		t.Errorf("events are %+v", events.Payload)
	}

	remove := webhook.NewDeleteWebhookPolicyOfProjectParams().WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy)
	_, err = s.admin.Webhook.DeleteWebhookPolicyOfProject(t.Context(), remove)
	must(t, err)
	var gone *webhook.DeleteWebhookPolicyOfProjectNotFound
	if _, err := s.admin.Webhook.DeleteWebhookPolicyOfProject(t.Context(), remove); !isA(err, &gone) {
		t.Errorf("deleting it again: %v", err)
	}
}

func TestADeliveryAndWhatIsToldOfIt(t *testing.T) {
	s := newScene(t)
	s.push(t)
	select {
	case r := <-s.received:
		if got := r.Header.Get("Authorization"); got != "Bearer s3cret" {
			t.Errorf("Authorization is %q", got)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was delivered")
	}
	e := s.finished(t)
	if e.VendorType != "WEBHOOK" || e.VendorID != s.policy || e.Metrics.SuccessTaskCount != 1 || e.ExtraAttrs["event_type"] != "PUSH_ARTIFACT" {
		t.Errorf("execution is %+v", e)
	}
	tasks, err := s.admin.Webhook.ListTasksOfWebhookExecution(t.Context(), webhook.NewListTasksOfWebhookExecutionParams().
		WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy).WithExecutionID(e.ID))
	must(t, err)
	if len(tasks.Payload) != 1 || tasks.Payload[0].Status != "Success" || tasks.Payload[0].RunCount != 1 {
		t.Fatalf("tasks are %+v", tasks.Payload)
	}
	log, err := s.admin.Webhook.GetLogsOfWebhookTask(t.Context(), webhook.NewGetLogsOfWebhookTaskParams().
		WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy).WithExecutionID(e.ID).WithTaskID(tasks.Payload[0].ID))
	must(t, err)
	if !strings.Contains(log.Payload, "success to run webhook job") {
		t.Errorf("log is %s", log.Payload)
	}
	jobs, err := s.admin.Webhookjob.ListWebhookJobs(t.Context(), webhookjob.NewListWebhookJobsParams().
		WithProjectNameOrID(s.project).WithPolicyID(s.policy).WithStatus([]string{"Success", "Error"}))
	must(t, err)
	if len(jobs.Payload) != 1 || jobs.Payload[0].Status != "Success" || jobs.Payload[0].NotifyType != "http" || jobs.Payload[0].JobDetail == "" {
		t.Errorf("jobs are %+v", jobs.Payload)
	}
	last, err := s.admin.Webhook.LastTrigger(t.Context(), webhook.NewLastTriggerParams().WithProjectNameOrID(s.project))
	must(t, err)
	if len(last.Payload) != 1 || last.Payload[0].PolicyName != "ci" || time.Since(time.Time(last.Payload[0].LastTriggerTime)) > time.Hour {
		t.Errorf("last triggers are %+v", last.Payload)
	}
}

// finished waits for the first execution to succeed.
func (s *scene) finished(t *testing.T) *models.Execution {
	t.Helper()
	q := "status=Success"
	params := webhook.NewListExecutionsOfWebhookPolicyParams().WithProjectNameOrID(s.project).WithWebhookPolicyID(s.policy).WithQ(&q)
	deadline, every := time.After(30*time.Second), time.NewTicker(100*time.Millisecond)
	defer every.Stop()
	for {
		executions, err := s.admin.Webhook.ListExecutionsOfWebhookPolicy(t.Context(), params)
		must(t, err)
		if len(executions.Payload) > 0 {
			return executions.Payload[0]
		}
		select {
		case <-every.C:
		case <-deadline:
			t.Fatal("no execution succeeded")
		}
	}
}

// push tells the server what a registry tells it after a push.
func (s *scene) push(t *testing.T) {
	t.Helper()
	envelope := fmt.Sprintf(`{"events":[{"id":%q,"timestamp":%q,"action":"push","target":{
		"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
		"digest":"sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272","size":942,"length":942,
		"repository":"%s/app","tag":"v1","url":"http://registry/v2/%s/app/manifests/v1"},
		"request":{"id":%q,"method":"PUT"},"actor":{"name":"alice"},"source":{}}]}`,
		unique("event"), time.Now().Format(time.RFC3339), s.project, s.project, unique("request"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/service/notifications", bytes.NewReader([]byte(envelope)))
	must(t, err)
	r.Header.Set("Content-Type", "application/vnd.docker.distribution.events.v1+json")
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"accepted":1`)) {
		t.Fatalf("the notification was answered %d %s", answer.StatusCode, body)
	}
}

func TestRefusalsAreTheClientsOwnTypes(t *testing.T) {
	s := newScene(t)
	again := webhook.NewCreateWebhookPolicyOfProjectParams().WithProjectNameOrID(s.project).WithPolicy(&models.WebhookPolicy{
		Name: "bad", EventTypes: []string{"NO_SUCH_EVENT"}, Targets: []*models.WebhookTargetObject{{Type: "http", Address: "http://example.com"}},
	})
	var bad *webhook.CreateWebhookPolicyOfProjectBadRequest
	if _, err := s.admin.Webhook.CreateWebhookPolicyOfProject(t.Context(), again); !isA(err, &bad) || bad.Payload.Errors[0].Code != "BAD_REQUEST" {
		t.Errorf("an unknown event type: %v", err)
	}
	list := webhook.NewListWebhookPoliciesOfProjectParams().WithProjectNameOrID(s.project)
	var unauthorized *webhook.ListWebhookPoliciesOfProjectUnauthorized
	if _, err := s.as(t, "nobody", "wrong").Webhook.ListWebhookPoliciesOfProject(t.Context(), list); !isA(err, &unauthorized) {
		t.Errorf("a wrong password: %v", err)
	}
}
