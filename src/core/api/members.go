package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/harborhook/harborhook/src/hook"
)

// Members keeps who has which role in a project.
type Members interface {
	Members(ctx context.Context, projectID int64) ([]hook.Member, error)
	// AddMember sets the member's id; a user who is one already is a hook.ErrConflict.
	AddMember(ctx context.Context, m *hook.Member) error
	RemoveMember(ctx context.Context, projectID, memberID int64) error
}

type memberJSON struct {
	ID         int64     `json:"id"`
	ProjectID  int64     `json:"project_id"`
	EntityName string    `json:"entity_name"`
	EntityID   int64     `json:"entity_id"`
	EntityType string    `json:"entity_type"`
	RoleID     hook.Role `json:"role_id"`
	RoleName   string    `json:"role_name"`
}

func (a *API) listMembers(c *call) error {
	members, err := a.Store.Members(c.r.Context(), c.project.ID)
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	shown := make([]memberJSON, len(members))
	for i, m := range members {
		shown[i] = memberJSON{m.ID, m.ProjectID, m.Username, m.UserID, "u", m.Role, m.Role.String()}
	}
	return c.json(shown)
}

func (a *API) addMember(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	username, role, err := readNewMember(body)
	if err != nil {
		return err
	}
	user, err := a.Store.UserByName(c.r.Context(), username)
	if errors.Is(err, hook.ErrNotFound) {
		return hook.Invalid("member_user.username", "there is no such user")
	}
	if err != nil {
		return fmt.Errorf("look up new member: %w", err)
	}
	m := hook.Member{ProjectID: c.project.ID, UserID: user.ID, Username: user.Username, Role: role}
	if err := a.Store.AddMember(c.r.Context(), &m); err != nil {
		return orConflict(fmt.Errorf("add member: %w", err), "the user is a member already")
	}
	return c.created(m.ID)
}

// readNewMember reads Harbor's body. The user is known by name; an id that comes
// with it is left alone.
func readNewMember(body []byte) (username string, role hook.Role, err error) {
	o := parseBody(body, "role_id", "member_user")
	var id int64
	o.integer("role_id", &id)
	if role = hook.Role(id); o.err == nil && role.String() == hook.RoleNone.String() {
		o.fail("role_id", "must be 1 (project admin), 2 (developer), 3 (guest) or 4 (master)")
	}
	user, ok := o.object("member_user", "username", "user_id")
	if !ok {
		o.fail("member_user", "is missing")
		return "", 0, o.err
	}
	user.integer("user_id", &id)
	if user.str("username", &username); username == "" {
		user.fail("username", "is missing")
	}
	return username, role, user.err
}

func (a *API) removeMember(c *call) error {
	id, err := c.id(":mid", "member")
	if err != nil {
		return err
	}
	if err := a.Store.RemoveMember(c.r.Context(), c.project.ID, id); err != nil {
		return orNotFound(fmt.Errorf("remove member: %w", err), "member")
	}
	return c.done()
}
