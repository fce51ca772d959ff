package auth

import "strings"

// Action is something that can be done in one project. It is written
// "resource:verb" with Harbor's names of both, as clients ask for them in
// /users/current/permissions.
type Action string

// The actions on a project's webhooks.
const (
	// ActionPolicyList covers policies, their last triggers, the catalog of
	// events and the audit trail.
	ActionPolicyList   Action = "notification-policy:list"
	ActionPolicyRead   Action = "notification-policy:read"
	ActionPolicyCreate Action = "notification-policy:create"
	// ActionPolicyUpdate covers previews, rotation of secrets and circuits too.
	// Who has it reads secrets in clear where the API shows them at all.
	ActionPolicyUpdate Action = "notification-policy:update"
	ActionPolicyDelete Action = "notification-policy:delete"
	// ActionPolicyTest sends a sample event, of a saved or unsaved policy.
	ActionPolicyTest Action = "notification-policy:test"
	// ActionJobList covers deliveries, their attempts and logs, their stream and the
	// progress of bulks.
	ActionJobList Action = "notification-job:list"
	// ActionJobUpdate is redelivering and stopping.
	ActionJobUpdate Action = "notification-job:update"
)

// The actions on a project and its members.
const (
	ActionProjectRead   Action = "project:read"
	ActionProjectUpdate Action = "project:update"
	ActionProjectDelete Action = "project:delete"
	ActionMemberList    Action = "member:list"
	// ActionMemberManage is adding, changing and removing members.
	ActionMemberManage Action = "member:update"
	ActionRobotList    Action = "robot:list"
	// ActionRobotManage is creating, changing and removing robot accounts.
	ActionRobotManage Action = "robot:update"
)

// The actions on a project's repositories.
const (
	ActionPull           Action = "repository:pull"
	ActionPush           Action = "repository:push"
	ActionDeleteArtifact Action = "artifact:delete"
)

// Actions returns every action, in the order of this package's documentation.
func Actions() []Action {
	return []Action{
		ActionPolicyList, ActionPolicyRead, ActionPolicyCreate, ActionPolicyUpdate,
		ActionPolicyDelete, ActionPolicyTest, ActionJobList, ActionJobUpdate,
		ActionProjectRead, ActionProjectUpdate, ActionProjectDelete,
		ActionMemberList, ActionMemberManage, ActionRobotList, ActionRobotManage,
		ActionPull, ActionPush, ActionDeleteArtifact,
	}
}

// Resource returns what is acted on, for example "notification-policy".
func (a Action) Resource() string {
	resource, _, _ := strings.Cut(string(a), ":")
	return resource
}

// Verb returns what is done to the resource, for example "list".
func (a Action) Verb() string {
	_, verb, _ := strings.Cut(string(a), ":")
	return verb
}
