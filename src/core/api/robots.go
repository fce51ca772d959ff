package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Robots keeps the accounts of programs. Each is found in its project only.
type Robots interface {
	// Robots returns one page, and how many there are in all.
	Robots(ctx context.Context, projectID int64, page hook.JobPage) ([]hook.Robot, int, error)
	Robot(ctx context.Context, projectID, id int64) (hook.Robot, error)
	// CreateRobot sets the robot's id, times and end; a name that is taken in the
	// project is a hook.ErrConflict.
	CreateRobot(ctx context.Context, r *hook.Robot, by *hook.AuditEntry) error
	// UpdateRobot changes everything but name, secret and creator.
	UpdateRobot(ctx context.Context, r *hook.Robot, by *hook.AuditEntry) error
	SetRobotSecret(ctx context.Context, projectID, id int64, hash string, by *hook.AuditEntry) error
	DeleteRobot(ctx context.Context, projectID, id int64, by *hook.AuditEntry) error
}

// robotName is how answers call a robot.
const robotName = "robot account"

// For how many days a robot is made: unless it says so, and at most.
const (
	defaultRobotDays = 30
	maxRobotDays     = 36_500
)

// maxRobotDescription is in characters.
const maxRobotDescription = 1024

// robotLevel and projectKind are Harbor's words for what belongs to one project.
const (
	robotLevel  = "project"
	projectKind = "project"
)

type robotJSON struct {
	ID           int64                 `json:"id"`
	Name         string                `json:"name"`
	Description  string                `json:"description"`
	Level        string                `json:"level"`
	Disable      bool                  `json:"disable"`
	Duration     int64                 `json:"duration"`
	ExpiresAt    int64                 `json:"expires_at"`
	Editable     bool                  `json:"editable"`
	Creator      string                `json:"creator"`
	Permissions  []robotPermissionJSON `json:"permissions"`
	CreationTime stamp                 `json:"creation_time"`
	UpdateTime   stamp                 `json:"update_time"`
}

type robotPermissionJSON struct {
	Kind      string           `json:"kind"`
	Namespace string           `json:"namespace"`
	Access    []permissionJSON `json:"access"`
}

func showRobot(f *Family, r hook.Robot) robotJSON {
	access := make([]permissionJSON, len(r.Permissions))
	for i, p := range r.Permissions {
		access[i] = permissionJSON{auth.Action(p).Resource(), auth.Action(p).Verb()}
	}
	return robotJSON{
		ID: r.ID, Name: r.FullName(), Description: r.Description, Level: robotLevel, Disable: r.Disabled,
		Duration: r.Days, ExpiresAt: endOf(r), Editable: true, Creator: r.Creator,
		Permissions:  []robotPermissionJSON{{projectKind, r.Project, access}},
		CreationTime: f.time(r.CreationTime), UpdateTime: f.time(r.UpdateTime),
	}
}

// endOf returns when a robot ends, as Harbor writes it: -1 is never.
func endOf(r hook.Robot) int64 {
	if r.ExpiresAt.IsZero() {
		return hook.NoExpiry
	}
	return r.ExpiresAt.Unix()
}

func (a *API) listRobots(c *call) error {
	q := c.query()
	page := q.page()
	if q.err != nil {
		return q.err
	}
	robots, total, err := a.Store.Robots(c.r.Context(), c.project.ID, page)
	if err != nil {
		return fmt.Errorf("list robots: %w", err)
	}
	shown := make([]robotJSON, len(robots))
	for i, r := range robots {
		shown[i] = showRobot(c.family, r)
	}
	c.announce(page, total)
	return c.json(shown)
}

// robot looks up the robot in the path, of the project in the path.
func (a *API) robot(c *call) (hook.Robot, error) {
	id, err := c.id(":rid", robotName)
	if err != nil {
		return hook.Robot{}, err
	}
	r, err := a.Store.Robot(c.r.Context(), c.project.ID, id)
	if err != nil {
		return hook.Robot{}, orNotFound(fmt.Errorf("look up robot: %w", err), robotName)
	}
	return r, nil
}

func (a *API) readRobot(c *call) error {
	r, err := a.robot(c)
	if err != nil {
		return err
	}
	return c.json(showRobot(c.family, r))
}

// createRobot answers the new robot's secret, this once.
func (a *API) createRobot(c *call) error {
	r, err := readNewRobot(c.object(robotMembers()...), c.project)
	if err != nil {
		return err
	}
	secret, hash := auth.NewRobotSecret()
	r.SecretHash, r.Creator = hash, c.who.Name()
	by := c.by(hook.AuditCreateRobot).With(robotDetail(r))
	if err := a.Store.CreateRobot(c.r.Context(), &r, by); err != nil {
		return orConflict(fmt.Errorf("create robot: %w", err), "there is a robot account of this name already")
	}
	c.did(by)
	c.w.Header().Set("Location", placeOf(c.r, r.ID))
	c.w.Header().Set("Cache-Control", "no-store")
	return writeJSON(c.w, http.StatusCreated, struct {
		ID           int64  `json:"id"`
		Name         string `json:"name"`
		Secret       string `json:"secret"`
		CreationTime stamp  `json:"creation_time"`
		ExpiresAt    int64  `json:"expires_at"`
	}{r.ID, r.FullName(), secret, c.family.time(r.CreationTime), endOf(r)})
}

// robotDetail says in the audit trail what a robot may do.
func robotDetail(r hook.Robot) string {
	state := ""
	if r.Disabled {
		state = " (disabled)"
	}
	return r.FullName() + state + ": " + strings.Join(r.Permissions, " ")
}

// updateRobot changes what the body names. The project is the one in the path,
// whatever the body says.
func (a *API) updateRobot(c *call) error {
	r, err := a.robot(c)
	if err != nil {
		return err
	}
	if err := changeRobot(c.object(robotMembers()...), &r); err != nil {
		return err
	}
	by := c.by(hook.AuditUpdateRobot).With(robotDetail(r))
	if err := a.Store.UpdateRobot(c.r.Context(), &r, by); err != nil {
		return orNotFound(fmt.Errorf("change robot: %w", err), robotName)
	}
	c.did(by)
	return c.done()
}

func (a *API) deleteRobot(c *call) error {
	r, err := a.robot(c)
	if err != nil {
		return err
	}
	by := c.by(hook.AuditDeleteRobot).With(r.FullName())
	if err := a.Store.DeleteRobot(c.r.Context(), c.project.ID, r.ID, by); err != nil {
		return orNotFound(fmt.Errorf("delete robot: %w", err), robotName)
	}
	c.did(by)
	return c.done()
}

// rotateRobotSecret answers a new secret, this once; the old one ends. In Harbor it
// is a PATCH of the robot, a method that is not taken here.
func (a *API) rotateRobotSecret(c *call) error {
	r, err := a.robot(c)
	if err != nil {
		return err
	}
	secret, hash := auth.NewRobotSecret()
	by := c.by(hook.AuditRotateRobot).With(r.FullName())
	if err := a.Store.SetRobotSecret(c.r.Context(), c.project.ID, r.ID, hash, by); err != nil {
		return orNotFound(fmt.Errorf("change the secret of a robot: %w", err), robotName)
	}
	c.did(by)
	c.w.Header().Set("Cache-Control", "no-store")
	return c.json(struct {
		Secret string `json:"secret"`
	}{secret})
}

// robotMembers are what Harbor's clients send, with what they have read before and
// send back.
func robotMembers() []string {
	return []string{
		"name", "description", "level", "disable", "duration", "permissions", "access", "secret", "expires_at",
		"id", "editable", "creator", "creator_type", "creator_ref", "creation_time", "update_time",
	}
}

// readNewRobot reads Harbor's body, of either of its calls that create robots.
func readNewRobot(o *object, p hook.Project) (hook.Robot, error) {
	r := hook.Robot{ProjectID: p.ID, Project: p.Name, Days: defaultRobotDays}
	if o.str("name", &r.Name); !hook.ValidProjectName(r.Name) {
		o.fail("name", "must be lower-case letters and digits, with single . _ or - between them, 255 at most")
	}
	var end int64
	if o.integer("expires_at", &end); end != 0 {
		o.fail("expires_at", "cannot be set: give a duration, in days")
	}
	if readRobotBody(o, &r); len(r.Permissions) == 0 {
		o.fail("permissions", "is missing")
	}
	return r, o.err
}

// changeRobot reads a body that may leave things out, which then stay.
func changeRobot(o *object, r *hook.Robot) error {
	name := r.Name
	if o.str("name", &name); name != r.Name && name != r.FullName() {
		o.fail("name", "cannot be changed")
	}
	readRobotBody(o, r)
	return o.err
}

func readRobotBody(o *object, r *hook.Robot) {
	o.str("description", &r.Description)
	checkText(o, "description", r.Description, maxRobotDescription)
	o.boolean("disable", &r.Disabled)
	level, secret := robotLevel, ""
	if o.str("level", &level); level != robotLevel {
		o.fail("level", `must be "project"`)
	}
	if o.str("secret", &secret); secret != "" {
		o.fail("secret", "cannot be chosen: it is made here, and told once")
	}
	readDays(o, r)
	if o.has("permissions") {
		readRobotPermissions(o, r)
		return
	}
	readAccess(o, r)
}

// readDays reads for how many days a robot is made; 0 is what it would be unsaid.
func readDays(o *object, r *hook.Robot) {
	days := r.Days
	if o.integer("duration", &days); days == 0 {
		days = defaultRobotDays
	}
	if days < hook.NoExpiry || days > maxRobotDays {
		o.fail("duration", fmt.Sprintf("must be days, 1 to %d, or -1 for ever", maxRobotDays))
	}
	r.Days = days
}

// readRobotPermissions reads the permissions of Harbor 2: a list with one entry,
// for the robot's project.
func readRobotPermissions(o *object, r *hook.Robot) {
	list, ok := o.objects("permissions", "kind", "namespace", "access")
	if !ok {
		return
	}
	if len(list) != 1 {
		o.fail("permissions", "must have one entry, for the robot's project")
		return
	}
	p, kind, namespace := list[0], projectKind, r.Project
	if p.str("kind", &kind); kind != projectKind {
		p.fail("kind", `must be "project"`)
	}
	if p.str("namespace", &namespace); namespace != r.Project {
		p.fail("namespace", "must be the robot's project")
	}
	if !p.has("access") {
		p.fail("access", "is missing")
	}
	readAccess(p, r)
	o.err = p.err
}

// readAccess reads a list of resources and actions, if there is one.
func readAccess(o *object, r *hook.Robot) {
	list, ok := o.objects("access", "resource", "action", "effect")
	if !ok {
		return
	}
	var permissions []string
	for _, entry := range list {
		permission := readPermission(entry, r)
		if o.err = entry.err; o.err != nil {
			return
		}
		if !slices.Contains(permissions, permission) {
			permissions = append(permissions, permission)
		}
	}
	if len(permissions) == 0 {
		o.fail("access", "must not be empty")
	}
	r.Permissions = permissions
}

// readPermission reads one entry. Harbor's older call names the project before
// the resource.
func readPermission(o *object, r *hook.Robot) string {
	var resource, verb string
	effect := "allow"
	o.str("resource", &resource)
	o.str("action", &verb)
	if o.str("effect", &effect); effect != "allow" && effect != "" {
		o.fail("effect", `must be "allow"`)
	}
	resource = strings.TrimPrefix(resource, fmt.Sprintf("/project/%d/", r.ProjectID))
	permission := auth.Action(resource + ":" + verb)
	if !slices.Contains(auth.RobotActions(), permission) {
		o.fail("action", "no robot can be given this action on this resource")
	}
	return string(permission)
}
