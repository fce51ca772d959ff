package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Projects keeps the projects.
type Projects interface {
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	Project(ctx context.Context, id int64) (hook.Project, error)
	// Projects returns one page, and how many there are in all.
	Projects(ctx context.Context, f hook.ProjectFilter, page hook.JobPage) ([]hook.Project, int, error)
	// CreateProject sets the project's id and times and makes its owner project
	// admin; a name that is taken is a hook.ErrConflict.
	CreateProject(ctx context.Context, p *hook.Project) error
	// UpdateProject changes whether the project is public.
	UpdateProject(ctx context.Context, p *hook.Project) error
	// DeleteProject removes the project with its policies and stops its waiting jobs.
	DeleteProject(ctx context.Context, id int64) error
}

type projectJSON struct {
	ProjectID    int64             `json:"project_id"`
	Name         string            `json:"name"`
	OwnerID      int64             `json:"owner_id"`
	OwnerName    string            `json:"owner_name"`
	Metadata     map[string]string `json:"metadata"`
	CreationTime stamp             `json:"creation_time"`
	UpdateTime   stamp             `json:"update_time"`
}

func showProject(f *Family, p hook.Project) projectJSON {
	return projectJSON{
		ProjectID: p.ID, Name: p.Name, OwnerID: p.OwnerID, OwnerName: p.OwnerName,
		Metadata:     map[string]string{"public": strconv.FormatBool(p.Public)},
		CreationTime: f.time(p.CreationTime), UpdateTime: f.time(p.UpdateTime),
	}
}

// listProjects answers the projects that the caller may read. A HEAD that names
// one asks, as in Harbor, whether the name is taken.
func (a *API) listProjects(c *call) error {
	q := c.query()
	page, filter := q.page(), q.projectFilter()
	name, ask := q.text("project_name")
	if q.err != nil {
		return q.err
	}
	if ask && c.r.Method == http.MethodHead {
		return a.projectExists(c, name)
	}
	projects, total, err := a.readableProjects(c, filter, page)
	if err != nil {
		return err
	}
	c.announce(page, total)
	return c.json(projects)
}

// projectExists answers 200 if there is a project of this name, to users only.
func (a *API) projectExists(c *call, name string) error {
	if err := c.need(c.who.IsUser()); err != nil {
		return err
	}
	if _, err := a.Store.ProjectByName(c.r.Context(), name); err != nil {
		return orNotFound(fmt.Errorf("look up project: %w", err), "project")
	}
	return c.done()
}

// projectFilter reads name, owner and public, and in the second family q with the
// same names. A name that is given but empty is nobody's.
func (q *query) projectFilter() hook.ProjectFilter {
	var f hook.ProjectFilter
	if name, ok := q.text("name"); ok {
		f.Name = orNobody(name)
	}
	f.OwnerName = q.optional("owner")
	if text, ok := q.text("public"); ok {
		f.Public = q.truth("public", text)
	}
	if !q.family.harbor2 {
		return f
	}
	for _, c := range q.criteria() {
		switch {
		case c.key == "name" && c.how == contains:
			f.NameContains = c.values[0]
		case c.key == "name" && c.how == equals:
			f.Name = c.values[0]
		case c.key == "owner" && c.how == equals:
			f.OwnerName = c.values[0]
		case c.key == "public" && c.how == equals:
			f.Public = q.truth("public", c.values[0])
		}
	}
	return f
}

// orNobody replaces an empty name, which would narrow nothing, by one that no
// project can have.
func orNobody(name string) string {
	if name == "" {
		return "/"
	}
	return name
}

func (q *query) truth(name, text string) *bool {
	truth, err := strconv.ParseBool(text)
	if err != nil {
		q.fail(name, "must be true or false")
	}
	return &truth
}

// readableProjects returns the page of those projects of the filter that the
// caller may read, and how many they are.
func (a *API) readableProjects(c *call, filter hook.ProjectFilter, page hook.JobPage) ([]projectJSON, int, error) {
	filter.All, filter.ReaderID = c.who.SysAdmin(), c.who.User.ID
	if r := c.who.Robot; r != nil && auth.Allowed(c.who, hook.Project{ID: r.ProjectID}, hook.RoleNone, auth.ActionProjectRead) {
		filter.RobotOf = r.ProjectID
	}
	projects, total, err := a.Store.Projects(c.r.Context(), filter, page)
	if err != nil {
		return nil, 0, fmt.Errorf("list projects: %w", err)
	}
	shown := make([]projectJSON, len(projects))
	for i, p := range projects {
		shown[i] = showProject(c.family, p)
	}
	return shown, total, nil
}

// window returns the page of a whole list.
func window[T any](all []T, page hook.JobPage) []T {
	from := min(page.Offset, len(all))
	return all[from:min(from+page.Limit, len(all))]
}

func (a *API) createProject(c *call) error {
	p, err := readNewProject(c.object(projectMembers()...))
	if err != nil {
		return err
	}
	p.OwnerID, p.OwnerName = c.who.User.ID, c.who.User.Username
	if err := a.Store.CreateProject(c.r.Context(), &p); err != nil {
		return orConflict(fmt.Errorf("create project: %w", err), "there is a project of this name already")
	}
	return c.created(p.ID)
}

// projectMembers are what Harbor's clients send; quotas, proxied registries and
// allow lists, which have no meaning here, are left alone.
func projectMembers() []string {
	return []string{
		"project_name", "public", "metadata",
		"storage_limit", "count_limit", "registry_id", "cve_allowlist", "cve_whitelist",
	}
}

func readNewProject(o *object) (hook.Project, error) {
	var p hook.Project
	if o.str("project_name", &p.Name); o.err == nil && !hook.ValidProjectName(p.Name) {
		o.fail("project_name", "must be 1 to 255 lower-case letters and digits, with single separators . _ - between them")
	}
	readPublic(o, &p.Public)
	return p, o.err
}

// readPublic reads whether a project is public, in either of Harbor's two places.
func readPublic(o *object, public *bool) {
	if o.has("public") {
		o.boolean("public", public)
	}
	metadata, ok := o.object("metadata")
	if !ok || !metadata.has("public") {
		return
	}
	var text string
	if metadata.str("public", &text) && text != "true" && text != "false" {
		metadata.fail("public", `must be "true" or "false"`)
	}
	*public = text == "true"
	o.err = metadata.err
}

func (a *API) readProject(c *call) error { return c.json(showProject(c.family, c.project)) }

// updateProject changes whether the project is public. A project keeps its name,
// which is part of the names of its repositories.
func (a *API) updateProject(c *call) error {
	o := c.object(projectMembers()...)
	p, name := c.project, c.project.Name
	if o.str("project_name", &name); name != p.Name && name != "" {
		o.fail("project_name", "cannot be changed")
	}
	readPublic(o, &p.Public)
	if o.err != nil {
		return o.err
	}
	if err := a.Store.UpdateProject(c.r.Context(), &p); err != nil {
		return orNotFound(fmt.Errorf("update project: %w", err), "project")
	}
	return c.done()
}

func (a *API) deleteProject(c *call) error {
	if err := a.Store.DeleteProject(c.r.Context(), c.project.ID); err != nil {
		return orNotFound(fmt.Errorf("delete project: %w", err), "project")
	}
	return c.done()
}
