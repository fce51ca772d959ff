package portal

import (
	"github.com/harborhook/harborhook/src/core/auth"
)

// What people do in projects, by the API's names: pages ask what the API asks.
const (
	mayListMembers      = auth.ActionMemberList
	mayManageMembers    = auth.ActionMemberManage
	mayListPolicies     = auth.ActionPolicyList
	mayReadPolicies     = auth.ActionPolicyRead
	mayCreatePolicies   = auth.ActionPolicyCreate
	mayUpdatePolicies   = auth.ActionPolicyUpdate
	mayDeletePolicies   = auth.ActionPolicyDelete
	mayTestPolicies     = auth.ActionPolicyTest
	mayListDeliveries   = auth.ActionJobList
	mayChangeDeliveries = auth.ActionJobUpdate
)

// access is who may see a page.
type access struct {
	// public pages are for everybody, signed in or not.
	public bool
	// admin pages are for system administrators.
	admin bool
	// project pages name a project, in which these actions must be allowed.
	project bool
	actions []auth.Action
}

var (
	everybody = access{public: true}
	signedIn  = access{}
	admins    = access{admin: true}
)

func inProject(actions ...auth.Action) access { return access{project: true, actions: actions} }
