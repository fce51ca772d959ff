package contract

import (
	"strings"
	"testing"

	runtimeclient "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/robotv1"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/user"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/client/webhook"
	"github.com/goharbor/go-client/pkg/sdk/v2.0/models"
)

func TestRobots(t *testing.T) {
	e := environmentOf(t)
	admin := e.as(t, "admin", e.password)
	// The client has these calls, but no field that leads to them.
	robots := robotv1.New(admin.Transport, strfmt.Default, runtimeclient.BasicAuth("admin", e.password))
	name, _ := newProject(t, admin)
	created, err := robots.CreateRobotV1(t.Context(), robotv1.NewCreateRobotV1Params().WithProjectNameOrID(name).WithRobot(
		&models.RobotCreateV1{Name: "ci", Description: "pipelines", Access: []*models.Access{{Resource: "notification-policy", Action: "list"}}}))
	must(t, err)
	made := created.Payload
	if made.ID != idOf(t, created.Location) || made.Name != "robot$"+name+"+ci" || made.Secret == "" || made.ExpiresAt == 0 {
		t.Fatalf("robot is %+v", made)
	}
	listed, err := robots.ListRobotV1(t.Context(), robotv1.NewListRobotV1Params().WithProjectNameOrID(name))
	must(t, err)
	if len(listed.Payload) != 1 || listed.XTotalCount != 1 || listed.Payload[0].Secret != "" {
		t.Errorf("robots are %+v", listed.Payload)
	}
	robot := e.as(t, made.Name, made.Secret)
	_, err = robot.Webhook.ListWebhookPoliciesOfProject(t.Context(), webhook.NewListWebhookPoliciesOfProjectParams().WithProjectNameOrID(name))
	must(t, err)
	_, err = robot.Webhook.CreateWebhookPolicyOfProject(t.Context(), webhook.NewCreateWebhookPolicyOfProjectParams().WithProjectNameOrID(name).WithPolicy(&models.WebhookPolicy{}))
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a robot that may list creates: %v", err)
	}

	read, err := robots.GetRobotByIDV1(t.Context(), robotv1.NewGetRobotByIDV1Params().WithProjectNameOrID(name).WithRobotID(made.ID))
	must(t, err)
	change := read.Payload
	if p := change.Permissions; change.Level != "project" || *change.Duration != 30 || len(p) != 1 || p[0].Namespace != name || p[0].Access[0].Resource != "notification-policy" {
		t.Errorf("robot is %+v", change)
	}
	change.Disable = true
	_, err = robots.UpdateRobotV1(t.Context(), robotv1.NewUpdateRobotV1Params().WithProjectNameOrID(name).WithRobotID(made.ID).WithRobot(change))
	must(t, err)
	_, err = robot.Webhook.ListWebhookPoliciesOfProject(t.Context(), webhook.NewListWebhookPoliciesOfProjectParams().WithProjectNameOrID(name))
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a disabled robot lists: %v", err)
	}
	_, err = robots.DeleteRobotV1(t.Context(), robotv1.NewDeleteRobotV1Params().WithProjectNameOrID(name).WithRobotID(made.ID))
	must(t, err)
	_, err = robots.GetRobotByIDV1(t.Context(), robotv1.NewGetRobotByIDV1Params().WithProjectNameOrID(name).WithRobotID(made.ID))
	if err == nil || !strings.Contains(err.Error(), "404") && !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("a deleted robot: %v", err)
	}
}

func TestUsersArePromotedAndDeleted(t *testing.T) {
	e := environmentOf(t)
	admin := e.as(t, "admin", e.password)
	username := unique("user")
	created, err := admin.User.CreateUser(t.Context(), user.NewCreateUserParams().WithUserReq(
		&models.UserCreationReq{Username: username, Password: "Passw0rd-of-tests", Email: username + "@example.com", Realname: username}))
	must(t, err)
	id := idOf(t, created.Location)
	_, err = admin.User.SetUserSysAdmin(t.Context(), user.NewSetUserSysAdminParams().WithUserID(id).WithSysadminFlag(&models.UserSysAdminFlag{SysadminFlag: true}))
	must(t, err)
	theirs := e.as(t, username, "Passw0rd-of-tests")
	current, err := theirs.User.GetCurrentUserInfo(t.Context(), user.NewGetCurrentUserInfoParams())
	must(t, err)
	if !current.Payload.SysadminFlag {
		t.Errorf("user is %+v", current.Payload)
	}
	_, err = admin.User.DeleteUser(t.Context(), user.NewDeleteUserParams().WithUserID(id))
	must(t, err)
	if _, err := theirs.User.GetCurrentUserInfo(t.Context(), user.NewGetCurrentUserInfoParams()); err == nil {
		t.Error("a deleted user is signed in")
	}
}
