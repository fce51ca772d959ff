package portal

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

type projectsView struct {
	Query    string
	Projects []hook.Project
	Pager    pager
	Failed   *listProblem
	// Name and Public are what was typed for a new project.
	Name   string
	Public bool
	Errors formErrors
}

func showProjects(v *visit) error { return v.projects(http.StatusOK, projectsView{}) }

func (v *visit) projects(status int, shown projectsView) error {
	number, size := v.pageOf()
	shown.Query = strings.TrimSpace(v.r.URL.Query().Get("q"))
	filter := hook.ProjectFilter{All: v.who.SysAdmin(), ReaderID: v.who.User.ID, NameContains: shown.Query}
	projects, total, err := v.Store.Projects(v.r.Context(), filter, hook.JobPage{Offset: (number - 1) * size, Limit: size})
	if err != nil {
		shown.Failed = v.listFailed(err)
	}
	shown.Projects, shown.Pager = projects, v.pager(number, size, len(projects), total)
	v.show(status, "projects", v.t("Projects"), shown)
	return nil
}

func createProject(v *visit) error {
	form := v.r.PostForm
	shown := projectsView{Name: strings.TrimSpace(form.Get("name")), Public: form.Get("public") != ""}
	if !hook.ValidProjectName(shown.Name) {
		shown.Errors.add("name", v.t("A name has lower-case letters and digits, and single . _ - between them."))
		return v.projects(http.StatusUnprocessableEntity, shown)
	}
	p := hook.Project{Name: shown.Name, Public: shown.Public, OwnerID: v.who.User.ID, OwnerName: v.who.Name()}
	err := v.Store.CreateProject(v.r.Context(), &p)
	if errors.Is(err, hook.ErrConflict) {
		shown.Errors.add("name", v.t("A project with this name exists."))
		return v.projects(http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return fmt.Errorf("create project: %w", err)
	}
	return v.redirect("/projects/" + p.Name)
}

// showProject leads to the first tab of the project that the reader may open.
func showProject(v *visit) error {
	ok, err := v.Can(mayListPolicies)
	if err != nil {
		return err
	}
	if ok {
		return v.redirect(v.webhooks(""))
	}
	if ok, err = v.Can(mayListMembers); err != nil {
		return err
	}
	if !ok {
		return errForbidden
	}
	return v.redirect("/projects/" + v.project.Name + "/members")
}

type membersView struct {
	Project   string
	Members   []hook.Member
	Failed    *listProblem
	MayManage bool
	Username  string
	Role      hook.Role
	Roles     []hook.Role
	Errors    formErrors
}

// RoleName returns the role's name for people.
func (membersView) RoleName(r hook.Role) string {
	switch r {
	case hook.RoleProjectAdmin:
		return "Project admin"
	case hook.RoleMaster:
		return "Maintainer"
	case hook.RoleDeveloper:
		return "Developer"
	default:
		return "Guest"
	}
}

func showMembers(v *visit) error {
	return v.members(http.StatusOK, membersView{Role: hook.RoleDeveloper})
}

func (v *visit) members(status int, shown membersView) error {
	var err error
	if shown.MayManage, err = v.Can(mayManageMembers); err != nil {
		return err
	}
	shown.Project = v.project.Name
	shown.Roles = []hook.Role{hook.RoleProjectAdmin, hook.RoleMaster, hook.RoleDeveloper, hook.RoleGuest}
	if shown.Members, err = v.Store.Members(v.r.Context(), v.project.ID); err != nil {
		shown.Failed = v.listFailed(err)
	}
	tabs, err := v.tabs("members", -1)
	if err != nil {
		return err
	}
	v.show(status, "members", v.t("Members"), shown, v.in(), tabs)
	return nil
}

func addMember(v *visit) error {
	form := v.r.PostForm
	shown := membersView{Username: strings.TrimSpace(form.Get("username"))}
	role, ok := roleOf(form.Get("role"))
	if !ok {
		return errBadForm
	}
	shown.Role = role
	user, err := v.Store.UserByName(v.r.Context(), shown.Username)
	if errors.Is(err, hook.ErrNotFound) {
		shown.Errors.add("username", v.t("There is no such user."))
		return v.members(http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return fmt.Errorf("look up new member: %w", err)
	}
	err = v.Store.AddMember(v.r.Context(), &hook.Member{ProjectID: v.project.ID, UserID: user.ID, Username: user.Username, Role: role})
	if errors.Is(err, hook.ErrConflict) {
		shown.Errors.add("username", v.t("The user is a member already."))
		return v.members(http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return fmt.Errorf("add member: %w", err)
	}
	return v.redirect("/projects/"+v.project.Name+"/members", "done", "added")
}

func roleOf(text string) (hook.Role, bool) {
	n, err := strconv.Atoi(text)
	role := hook.Role(n)
	return role, err == nil && role.String() != hook.RoleNone.String()
}

func changeRole(v *visit) error {
	id, err := v.id("member")
	if err != nil {
		return err
	}
	role, ok := roleOf(v.r.PostForm.Get("role"))
	if !ok {
		return errBadForm
	}
	if err := v.Store.UpdateMember(v.r.Context(), v.project.ID, id, role); err != nil {
		return fmt.Errorf("change member: %w", err)
	}
	return v.redirect("/projects/"+v.project.Name+"/members", "done", "changed")
}

func removeMember(v *visit) error {
	id, err := v.id("member")
	if err != nil {
		return err
	}
	if err := v.Store.RemoveMember(v.r.Context(), v.project.ID, id); err != nil {
		return fmt.Errorf("remove member: %w", err)
	}
	return v.redirect("/projects/"+v.project.Name+"/members", "done", "removed")
}

type usersView struct {
	Users  []hook.User
	Pager  pager
	Failed *listProblem
	New    hook.User
	Errors formErrors
	// Self is who looks at the page.
	Self int64
	// Of is the user whose password was refused.
	Of int64
}

func showUsers(v *visit) error { return v.users(http.StatusOK, usersView{}) }

func (v *visit) users(status int, shown usersView) error {
	number, size := v.pageOf()
	users, total, err := v.Store.Users(v.r.Context(), hook.JobPage{Offset: (number - 1) * size, Limit: size})
	if err != nil {
		shown.Failed = v.listFailed(err)
	}
	shown.Self = v.who.User.ID
	shown.Users, shown.Pager = users, v.pager(number, size, len(users), total)
	v.show(status, "users", v.t("Users"), shown)
	return nil
}

func createUser(v *visit) error {
	form := v.r.PostForm
	shown := usersView{New: hook.User{
		Username: form.Get("username"), Email: strings.TrimSpace(form.Get("email")), Realname: strings.TrimSpace(form.Get("realname")), SysAdmin: form.Get("admin") != "",
	}}
	if reason := hook.UsernameFault(shown.New.Username); reason != "" {
		shown.Errors.add("username", v.fault(reason))
	}
	for field, text := range map[string]string{"email": shown.New.Email, "realname": shown.New.Realname} {
		if reason := hook.ShortTextFault(text); reason != "" {
			shown.Errors.add(field, v.fault(reason))
		}
	}
	hash, err := auth.HashPassword(form.Get("password"))
	if reason, ok := reasonOf(err); ok {
		shown.Errors.add("password", v.sentence(reason))
	} else if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	if len(shown.Errors) > 0 {
		return v.users(http.StatusUnprocessableEntity, shown)
	}
	u := shown.New
	u.PasswordHash = hash
	err = v.Store.CreateUser(v.r.Context(), &u)
	if errors.Is(err, hook.ErrConflict) {
		shown.Errors.add("username", v.t("A user with this name exists."))
		return v.users(http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	return v.redirect("/users", "done", "added")
}

func resetPassword(v *visit) error {
	id, err := v.id("user")
	if err != nil {
		return err
	}
	u, err := v.Store.User(v.r.Context(), id)
	if err != nil {
		return fmt.Errorf("look up user: %w", err)
	}
	hash, err := auth.HashPassword(v.r.PostForm.Get("password"))
	if reason, ok := reasonOf(err); ok {
		shown := usersView{Of: id}
		shown.Errors.add("password-of", v.sentence(reason))
		return v.users(http.StatusUnprocessableEntity, shown)
	}
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if err := v.setPassword(u, hash); err != nil {
		return err
	}
	return v.redirect("/users", "done", "password")
}

// Removable says whether the reader may remove a user.
func (u usersView) Removable(id int64) bool { return id != u.Self && id != firstUser }

// firstUser is the system admin that every installation begins with.
const firstUser = 1

// removeUser removes a user, but neither the reader nor the first system admin,
// so that one is left.
func removeUser(v *visit) error {
	id, err := v.id("user")
	if err != nil {
		return err
	}
	if id == v.who.User.ID || id == firstUser {
		return errForbidden
	}
	u, err := v.Store.User(v.r.Context(), id)
	if err != nil {
		return fmt.Errorf("look up user: %w", err)
	}
	if err := v.Store.DeleteUser(v.r.Context(), id); err != nil {
		return fmt.Errorf("remove user: %w", err)
	}
	v.Auth.Forget(u.Username)
	return v.redirect("/users", "done", "removed")
}

type systemView struct {
	Components []component
	Waiting    int
	WaitingMax int
	Circuits   []hook.Circuit
	Failed     *listProblem
	Version    string
	Registry   string
	Now        time.Time
}

type component struct {
	Name   string
	Failed bool
}

// maxWaiting bounds how far the waiting jobs are counted.
const maxWaiting = 10000

func showSystem(v *visit) error {
	shown := systemView{Version: v.Version, Registry: v.Registry, WaitingMax: maxWaiting, Now: v.Now()}
	failed := v.Health(v.r.Context())
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		shown.Components = append(shown.Components, component{name, failed[name]})
	}
	var err error
	if shown.Waiting, err = v.Store.Waiting(v.r.Context(), maxWaiting+1); err == nil {
		shown.Circuits, err = v.Store.Circuits(v.r.Context())
	}
	if err != nil {
		shown.Failed = v.listFailed(err)
	}
	v.show(http.StatusOK, "system", v.t("System"), shown)
	return nil
}

func closeCircuit(v *visit) error {
	origin := v.r.PostForm.Get("origin")
	by := v.by(hook.AuditCloseCircuit).With(origin)
	err := v.Store.CloseCircuit(v.r.Context(), origin, by)
	if err != nil && !errors.Is(err, hook.ErrNotFound) {
		return fmt.Errorf("close circuit: %w", err)
	}
	return v.redirect("/system", "done", "circuit")
}
