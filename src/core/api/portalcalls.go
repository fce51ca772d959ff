package api

import (
	"fmt"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Here are the calls that Harbor's own portal makes besides those on webhooks.

type permissionJSON struct {
	Resource string `json:"resource"`
	Action   string `json:"action"`
}

// listPermissions answers what the caller may do in the project that the
// parameter scope names as "/project/1". Relative leaves the scope out of the
// resources. Without a scope there is nothing to list.
func (a *API) listPermissions(c *call) error {
	q := c.query()
	scope, relative := q.optional("scope"), q.optional("relative") == "true"
	if q.err != nil {
		return q.err
	}
	shown := []permissionJSON{}
	if scope == "" {
		return c.json(shown)
	}
	id, ok := number(strings.TrimPrefix(scope, "/project/"))
	if !ok {
		return refuse(c.family.badParameter, "scope: must be /project/ and the id of a project")
	}
	project, err := a.Store.Project(c.r.Context(), id)
	if err != nil {
		return orNotFound(fmt.Errorf("look up the scope: %w", err), "project")
	}
	prefix := scope + "/"
	if relative {
		prefix = ""
	}
	for _, action := range auth.Actions() {
		allowed, err := a.Auth.Can(c.r.Context(), c.who, project, action)
		if err != nil {
			return fmt.Errorf("list permissions: %w", err)
		}
		if allowed {
			shown = append(shown, permissionJSON{prefix + action.Resource(), action.Verb()})
		}
	}
	return c.json(shown)
}

type summaryJSON struct {
	RepoCount    int       `json:"repo_count"`
	Admins       int       `json:"project_admin_count"`
	Maintainers  int       `json:"maintainer_count"`
	Developers   int       `json:"developer_count"`
	Guests       int       `json:"guest_count"`
	LimitedGuest int       `json:"limited_guest_count"`
	Quota        quotaJSON `json:"quota"`
}

// quotaJSON says that nothing is limited and nothing is counted here.
type quotaJSON struct {
	Hard map[string]int64 `json:"hard"`
	Used map[string]int64 `json:"used"`
}

// projectSummary counts the members by role. Repositories are the registry's.
func (a *API) projectSummary(c *call) error {
	members, err := a.Store.Members(c.r.Context(), c.project.ID)
	if err != nil {
		return fmt.Errorf("count members: %w", err)
	}
	counts := map[hook.Role]int{}
	for _, m := range members {
		counts[m.Role]++
	}
	return c.json(summaryJSON{
		Admins: counts[hook.RoleProjectAdmin], Maintainers: counts[hook.RoleMaster], Developers: counts[hook.RoleDeveloper],
		Guests: counts[hook.RoleGuest], Quota: quotaJSON{Hard: map[string]int64{"storage": -1}, Used: map[string]int64{"storage": 0}},
	})
}

type statisticsJSON struct {
	PrivateProjects int `json:"private_project_count"`
	PrivateRepos    int `json:"private_repo_count"`
	PublicProjects  int `json:"public_project_count"`
	PublicRepos     int `json:"public_repo_count"`
	TotalProjects   int `json:"total_project_count"`
	TotalRepos      int `json:"total_repo_count"`
	Storage         int `json:"total_storage_consumption"`
}

// statistics counts the projects that the caller may read.
func (a *API) statistics(c *call) error {
	one := hook.JobPage{Limit: 1}
	public := true
	_, total, err := a.readableProjects(c, hook.ProjectFilter{}, one)
	if err != nil {
		return err
	}
	_, open, err := a.readableProjects(c, hook.ProjectFilter{Public: &public}, one)
	if err != nil {
		return err
	}
	return c.json(statisticsJSON{TotalProjects: total, PublicProjects: open, PrivateProjects: total - open})
}

// maxFound bounds what a search answers.
const maxFound = 100

// search finds the caller's projects by a part of their name. Repositories are
// the registry's and are not found here.
func (a *API) search(c *call) error {
	q := c.query()
	text := q.optional("q")
	if q.err != nil {
		return q.err
	}
	projects, _, err := a.readableProjects(c, hook.ProjectFilter{NameContains: text}, hook.JobPage{Limit: maxFound})
	if err != nil {
		return err
	}
	return c.json(struct {
		Projects     []projectJSON `json:"project"`
		Repositories []struct{}    `json:"repository"`
	}{projects, []struct{}{}})
}
