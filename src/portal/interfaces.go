package portal

import (
	"context"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// Sessions let people sign in once and show a cookie from then on.
type Sessions interface {
	SignIn(ctx context.Context, username, password, client string) (auth.Session, error)
	// Session fails with auth.ErrUnauthenticated if the session is over. It counts as use.
	Session(ctx context.Context, token string) (auth.Session, error)
	// Peek is Session without counting as use.
	Peek(ctx context.Context, token string) (auth.Session, error)
	SignOut(ctx context.Context, token string) error
	SignOutUser(ctx context.Context, userID int64) error
}

// Auth says who somebody is and what they may do.
type Auth interface {
	Authenticate(ctx context.Context, username, password, client string) (auth.Identity, error)
	Can(ctx context.Context, id auth.Identity, p hook.Project, a auth.Action) (bool, error)
	// Forget drops what is remembered of a user's old password.
	Forget(username string)
}

// Store keeps what pages show. Its errors are, or wrap, the sentinels of package hook.
type Store interface {
	Projects(ctx context.Context, f hook.ProjectFilter, page hook.JobPage) ([]hook.Project, int, error)
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	CreateProject(ctx context.Context, p *hook.Project) error

	Members(ctx context.Context, projectID int64) ([]hook.Member, error)
	AddMember(ctx context.Context, m *hook.Member) error
	UpdateMember(ctx context.Context, projectID, memberID int64, role hook.Role) error
	RemoveMember(ctx context.Context, projectID, memberID int64) error

	Users(ctx context.Context, page hook.JobPage) ([]hook.User, int, error)
	User(ctx context.Context, id int64) (hook.User, error)
	UserByName(ctx context.Context, name string) (hook.User, error)
	CreateUser(ctx context.Context, u *hook.User) error
	DeleteUser(ctx context.Context, userID int64) error
	SetPassword(ctx context.Context, userID int64, hash string) error

	Jobs(ctx context.Context, projectID int64, f hook.JobFilter, page hook.JobPage) ([]hook.Job, int, error)
	Job(ctx context.Context, projectID, id int64) (hook.Job, error)
	Attempts(ctx context.Context, jobID int64) ([]hook.Attempt, error)
	LastTriggers(ctx context.Context, of []hook.Trigger) (map[hook.Trigger]time.Time, error)
	// EventOf returns the event that a job is about.
	EventOf(ctx context.Context, projectID int64, eventID string) (hook.Event, error)
	// Summary counts the jobs of a filter in steps of time. Whole hours cost little,
	// however many jobs they have.
	Summary(ctx context.Context, projectID int64, f hook.JobFilter, step time.Duration) (hook.Summary, error)
	// RecentOutcomes counts how the jobs of policies since a time ended.
	RecentOutcomes(ctx context.Context, projectID int64, policies []int64, since time.Time) (map[int64]hook.Outcomes, error)

	AddAudit(ctx context.Context, e hook.AuditEntry) error
	Audit(ctx context.Context, projectID int64, page hook.JobPage) ([]hook.AuditEntry, int, error)

	Circuits(ctx context.Context) ([]hook.Circuit, error)
	CloseCircuit(ctx context.Context, origin string, by *hook.AuditEntry) error
	// Waiting counts the waiting jobs, up to most.
	Waiting(ctx context.Context, most int) (int, error)
}

// Policies keeps the policies of projects and knows which are valid.
type Policies interface {
	Policies(ctx context.Context, projectID int64) ([]hook.Policy, error)
	Policy(ctx context.Context, projectID, id int64) (hook.Policy, error)
	CreatePolicy(ctx context.Context, p *hook.Policy, by *hook.AuditEntry) error
	// UpdatePolicy is a hook.ErrChanged if somebody updated the policy after seen.
	UpdatePolicy(ctx context.Context, p *hook.Policy, seen time.Time, by *hook.AuditEntry) error
	DeletePolicy(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
	// Check says what is wrong with a policy that is not to be stored.
	Check(p *hook.Policy) error
}

// Deliveries delivers jobs again and stops them.
type Deliveries interface {
	Redeliver(ctx context.Context, projectID, id int64, by *hook.AuditEntry) (int64, error)
	RedeliverAll(ctx context.Context, projectID int64, f hook.JobFilter, by *hook.AuditEntry) (hook.Redelivery, error)
	Count(ctx context.Context, projectID int64, f hook.JobFilter) (int, error)
	Stop(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
}

// Tester sends a sample event to the first target of a policy.
type Tester interface {
	Test(ctx context.Context, project hook.Project, p hook.Policy, by string) (hook.Attempt, error)
}

// TestLimit bounds the tests of each project, by its id, and of all of them.
type TestLimit interface {
	Take(projectID int64) time.Duration
}

// Previewer says what a policy would do before it is saved.
type Previewer interface {
	Preview(ctx context.Context, draft hook.Policy, last int) ([]hook.Verdict, error)
}

// Catalog lists the event types.
type Catalog interface {
	Types() []event.Type
	Lookup(name hook.EventType) (event.Type, bool)
}

// Formats lists the types of target and the payload formats each of them reads.
type Formats interface {
	TargetTypes() []string
	For(targetType string) []string
}
