package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

// Members keeps who has which role in a project.
type Members interface {
	Members(ctx context.Context, projectID int64) ([]hook.Member, error)
	// AddMember sets the member's id; a user who is one already is a hook.ErrConflict.
	AddMember(ctx context.Context, m *hook.Member) error
	UpdateMember(ctx context.Context, projectID, memberID int64, role hook.Role) error
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

func showMember(f *Family, m hook.Member) memberJSON {
	return memberJSON{m.ID, m.ProjectID, m.Username, m.UserID, "u", m.Role, f.role(m.Role)}
}

// listMembers answers all members in the first family, and a page in the second.
func (a *API) listMembers(c *call) error {
	q := c.query()
	page, name := q.page(), q.optional("entityname")
	if q.err != nil {
		return q.err
	}
	members, err := a.Store.Members(c.r.Context(), c.project.ID)
	if err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	shown := []memberJSON{}
	for _, m := range members {
		if strings.Contains(m.Username, name) {
			shown = append(shown, showMember(c.family, m))
		}
	}
	if c.family.harbor2 {
		c.announce(page, len(shown))
		shown = window(shown, page)
	}
	return c.json(shown)
}

// member looks up the member in the path, of the project in the path.
func (a *API) member(c *call) (hook.Member, error) {
	id, err := c.id(":mid", "member")
	if err != nil {
		return hook.Member{}, err
	}
	members, err := a.Store.Members(c.r.Context(), c.project.ID)
	if err != nil {
		return hook.Member{}, fmt.Errorf("look up member: %w", err)
	}
	i := slices.IndexFunc(members, func(m hook.Member) bool { return m.ID == id })
	if i < 0 {
		return hook.Member{}, notFound("member")
	}
	return members[i], nil
}

func (a *API) readMember(c *call) error {
	m, err := a.member(c)
	if err != nil {
		return err
	}
	return c.json(showMember(c.family, m))
}

func (a *API) updateMember(c *call) error {
	id, err := c.id(":mid", "member")
	if err != nil {
		return err
	}
	o := c.object("role_id")
	role := readRole(o)
	if o.err != nil {
		return o.err
	}
	if err := a.Store.UpdateMember(c.r.Context(), c.project.ID, id, role); err != nil {
		return orNotFound(fmt.Errorf("change member: %w", err), "member")
	}
	return c.done()
}

func (a *API) addMember(c *call) error {
	username, role, err := readNewMember(c.object("role_id", "member_user"))
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
func readNewMember(o *object) (username string, role hook.Role, err error) {
	role = readRole(o)
	user, ok := o.object("member_user", "username", "user_id")
	if !ok {
		o.fail("member_user", "is missing")
		return "", 0, o.err
	}
	user.integer("user_id", new(int64))
	if user.str("username", &username); username == "" {
		user.fail("username", "is missing")
	}
	return username, role, user.err
}

func readRole(o *object) hook.Role {
	var id int64
	o.integer("role_id", &id)
	role := hook.Role(id)
	if o.err == nil && role.String() == hook.RoleNone.String() {
		o.fail("role_id", "must be 1 (project admin), 2 (developer), 3 (guest) or 4 (master)")
	}
	return role
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
