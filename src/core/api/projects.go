package api

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Projects keeps the projects.
type Projects interface {
	ProjectByName(ctx context.Context, name string) (hook.Project, error)
	Project(ctx context.Context, id int64) (hook.Project, error)
	// Projects returns one page, and how many there are in all.
	Projects(ctx context.Context, page hook.JobPage) ([]hook.Project, int, error)
	// CreateProject sets the project's id and times and makes its owner project
	// admin; a name that is taken is a hook.ErrConflict.
	CreateProject(ctx context.Context, p *hook.Project) error
}

type projectJSON struct {
	ProjectID    int64             `json:"project_id"`
	Name         string            `json:"name"`
	OwnerID      int64             `json:"owner_id"`
	OwnerName    string            `json:"owner_name"`
	Metadata     map[string]string `json:"metadata"`
	CreationTime time.Time         `json:"creation_time"`
	UpdateTime   time.Time         `json:"update_time"`
}

func showProject(p hook.Project) projectJSON {
	return projectJSON{
		ProjectID: p.ID, Name: p.Name, OwnerID: p.OwnerID, OwnerName: p.OwnerName,
		Metadata:     map[string]string{"public": strconv.FormatBool(p.Public)},
		CreationTime: p.CreationTime.UTC(), UpdateTime: p.UpdateTime.UTC(),
	}
}

// listProjects answers the projects that the caller may read.
func (a *API) listProjects(c *call) error {
	q := parseQuery(c.r)
	page := q.page()
	name, named := q.text("name")
	if q.err != nil {
		return q.err
	}
	projects, total, err := a.projects(c, page, name, named)
	if err != nil {
		return fmt.Errorf("list projects: %w", err)
	}
	shown := make([]projectJSON, len(projects))
	for i, p := range projects {
		shown[i] = showProject(p)
	}
	announce(c.w, c.r, page, total)
	return c.json(shown)
}

func (a *API) projects(c *call, page hook.JobPage, name string, named bool) ([]hook.Project, int, error) {
	if named {
		found, err := a.namedProject(c, name)
		return window(found, page), len(found), err
	}
	if c.who.SysAdmin() {
		return a.Store.Projects(c.r.Context(), page)
	}
	found, err := a.readableProjects(c)
	return window(found, page), len(found), err
}

// namedProject returns the project of exactly this name, if the caller may read it.
func (a *API) namedProject(c *call, name string) ([]hook.Project, error) {
	p, err := a.Store.ProjectByName(c.r.Context(), name)
	if errors.Is(err, hook.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return a.readable(c, []hook.Project{p})
}

// readableProjects asks for every project, a page at a time.
func (a *API) readableProjects(c *call) ([]hook.Project, error) {
	var found []hook.Project
	for page := (hook.JobPage{Limit: maxPageSize}); ; page.Offset += page.Limit {
		projects, total, err := a.Store.Projects(c.r.Context(), page)
		if err != nil {
			return nil, err
		}
		readable, err := a.readable(c, projects)
		if err != nil {
			return nil, err
		}
		found = append(found, readable...)
		if len(projects) == 0 || page.Offset+page.Limit >= total {
			return found, nil
		}
	}
}

func (a *API) readable(c *call, projects []hook.Project) ([]hook.Project, error) {
	var found []hook.Project
	for _, p := range projects {
		ok, err := a.Auth.Can(c.r.Context(), c.who, p, auth.ActionProjectRead)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// window returns the page of a whole list.
func window[T any](all []T, page hook.JobPage) []T {
	from := min(page.Offset, len(all))
	return all[from:min(from+page.Limit, len(all))]
}

func (a *API) createProject(c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	p, err := readNewProject(body)
	if err != nil {
		return err
	}
	p.OwnerID, p.OwnerName = c.who.User.ID, c.who.User.Username
	if err := a.Store.CreateProject(c.r.Context(), &p); err != nil {
		return orConflict(fmt.Errorf("create project: %w", err), "there is a project of this name already")
	}
	return c.created(p.ID)
}

// readNewProject reads what Harbor's clients send; quotas, proxied registries and
// allow lists, which have no meaning here, are left alone.
func readNewProject(body []byte) (hook.Project, error) {
	o := parseBody(body, "project_name", "public", "metadata",
		"storage_limit", "count_limit", "registry_id", "cve_allowlist", "cve_whitelist")
	var p hook.Project
	if o.str("project_name", &p.Name); o.err == nil && !validProjectName(p.Name) {
		o.fail("project_name", "must be 1 to 255 lower-case letters and digits, with single separators . _ - between them")
	}
	if o.has("public") {
		o.boolean("public", &p.Public)
	}
	if metadata, ok := o.object("metadata"); ok && metadata.has("public") {
		var public string
		if metadata.str("public", &public) && public != "true" && public != "false" {
			metadata.fail("public", `must be "true" or "false"`)
		}
		p.Public = public == "true"
		o.err = metadata.err
	}
	return p, o.err
}

var projectName = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)

// validProjectName takes what can be the first element of a repository's name.
func validProjectName(name string) bool { return len(name) <= 255 && projectName.MatchString(name) }

func (a *API) readProject(c *call) error { return c.json(showProject(c.project)) }
