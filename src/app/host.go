package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// Host is a program that Core and JobService run inside of, and that keeps users and
// projects. Both must be set.
type Host struct {
	Users    HostUsers
	Projects HostProjects
}

// HostUsers says who sends requests.
type HostUsers interface {
	// Authenticate returns who sends the request, with ID, Username and SysAdmin, or
	// hook.ErrNotFound for somebody who has not signed in. It must not read the body.
	Authenticate(r *http.Request) (hook.User, error)
}

// HostProjects says which projects there are and who may do what there. It is asked
// for every request, and for notifications when a project was not asked for lately.
type HostProjects interface {
	// ProjectByName returns whether a project is public, or hook.ErrNotFound.
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	// Role returns the user's role in a project, hook.RoleNone for strangers.
	Role(ctx context.Context, project string, userID int64) (hook.Role, error)
}

// identities are where users and projects come from.
type identities struct {
	store interface {
		api.Store
		webhook.CacheStore
	}
	auth auth.Config
	// identify is nil where callers show passwords and sessions of ours.
	identify func(*http.Request) (auth.Identity, error)
}

// identitiesOf returns those of the host, or without one those in the database.
func identitiesOf(s *store.Store, h *Host) identities {
	if h == nil {
		return identities{store: s, auth: auth.Config{Users: s, Roles: s, Robots: s}}
	}
	m := mirror{s, h.Projects}
	return identities{store: m, auth: auth.Config{Users: nobodyHere{}, Roles: hostRoles{m}}, identify: h.identify}
}

// identify asks the host who sends a request.
func (h *Host) identify(r *http.Request) (auth.Identity, error) {
	u, err := h.Users.Authenticate(r)
	if errors.Is(err, hook.ErrNotFound) {
		return auth.Identity{Anonymous: true}, nil
	}
	if err != nil {
		return auth.Identity{}, fmt.Errorf("ask the host: %w", err)
	}
	u.PasswordHash = ""
	return auth.Identity{User: u}, nil
}

// nobodyHere has no users with passwords.
type nobodyHere struct{}

// UserByName implements auth.Users.
func (nobodyHere) UserByName(context.Context, string) (hook.User, error) {
	return hook.User{}, hook.ErrNotFound
}

// hostRoles asks the host for roles.
type hostRoles struct{ mirror mirror }

// Role implements auth.Roles.
func (h hostRoles) Role(ctx context.Context, projectID, userID int64) (hook.Role, error) {
	p, err := h.mirror.Store.Project(ctx, projectID)
	if err != nil {
		return hook.RoleNone, err
	}
	role, err := h.mirror.host.Role(ctx, p.Name, userID)
	if err != nil {
		return hook.RoleNone, fmt.Errorf("ask the host: %w", err)
	}
	return role, nil
}

// mirror is the store with the projects of the host. Policies and deliveries belong
// to rows, so each of the host's projects gets one when somebody names it first.
type mirror struct {
	*store.Store
	host HostProjects
}

// ProjectByName returns the row of a project that the host has.
func (m mirror) ProjectByName(ctx context.Context, name string) (hook.Project, error) {
	if !hook.ValidProjectName(name) {
		return hook.Project{}, hook.ErrNotFound
	}
	theirs, err := m.host.ProjectByName(ctx, name)
	if err != nil {
		return hook.Project{}, fmt.Errorf("ask the host for a project: %w", err)
	}
	row, err := m.Store.ProjectByName(ctx, name)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return m.adopt(ctx, hook.Project{Name: name, Public: theirs.Public, OwnerName: theirs.OwnerName})
	case err == nil && row.Public != theirs.Public:
		row.Public = theirs.Public
		err = m.UpdateProject(ctx, &row)
	}
	return row, err
}

// adopt makes the row of a project, unless another process was first.
func (m mirror) adopt(ctx context.Context, p hook.Project) (hook.Project, error) {
	err := m.CreateProject(ctx, &p)
	if errors.Is(err, hook.ErrConflict) {
		return m.Store.ProjectByName(ctx, p.Name)
	}
	return p, err
}

// Project returns the row with this id, if the host still has its project.
func (m mirror) Project(ctx context.Context, id int64) (hook.Project, error) {
	row, err := m.Store.Project(ctx, id)
	if err != nil {
		return hook.Project{}, err
	}
	return m.ProjectByName(ctx, row.Name)
}

// sync makes the row of a project what the host says, and removes it with its
// policies if the host has no such project.
func (m mirror) sync(ctx context.Context, name string) error {
	_, err := m.ProjectByName(ctx, name)
	if !errors.Is(err, hook.ErrNotFound) {
		return err
	}
	row, err := m.Store.ProjectByName(ctx, name)
	if err == nil {
		err = m.DeleteProject(ctx, row.ID)
	}
	if errors.Is(err, hook.ErrNotFound) {
		return nil
	}
	return err
}
