package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// call is one request on its way through one route.
type call struct {
	api *API
	// family is the route's.
	family *Family
	w      http.ResponseWriter
	r      *http.Request
	// params are the segments of the path that the pattern names, still escaped.
	params map[string]string
	// who is the caller; anonymous if the route is public.
	who auth.Identity
	// project is the one in the path, if the route lies in a project.
	project hook.Project
}

// run checks in this order: 401, project 404, 403. What follows is the handler's.
func (c *call) run(route Route) error {
	if c.params[":ext"] != "" {
		return nowhere(c) // beego dropped the suffix of the last segment
	}
	if route.Access != Public {
		if err := c.identify(); err != nil {
			return err
		}
	}
	if err := c.authorise(route); err != nil {
		return err
	}
	return route.handle(c)
}

// identify checks the credentials, if any are shown. What a client sends on purpose
// counts before the cookie that a browser sends by itself.
func (c *call) identify() (err error) {
	if c.api.Identify != nil {
		if c.who, err = c.api.Identify(c.r); err != nil {
			return fmt.Errorf("identify the caller: %w", err)
		}
		return nil
	}
	if len(c.r.Header.Values("Authorization")) > 0 {
		return c.identifyBasic()
	}
	if token, ok := tokenOf(c.r); ok {
		return c.identifySession(token)
	}
	c.who = auth.Identity{Anonymous: true}
	return nil
}

// identifyBasic checks a name and a password.
func (c *call) identifyBasic() error {
	username, password, ok := c.r.BasicAuth()
	if !ok || !saneQuery(username) || !saneQuery(password) {
		return auth.ErrUnauthenticated
	}
	who, err := c.api.Auth.Authenticate(c.r.Context(), username, password, clientOf(c.r))
	if err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	c.who = who
	return nil
}

func (c *call) authorise(route Route) error {
	switch route.Access {
	case SignedIn:
		return c.need(c.who.IsUser())
	case SysAdmin:
		return c.need(c.who.SysAdmin())
	case Self:
		return c.need(c.who.SysAdmin() || c.who.IsUser() && c.params[":uid"] == strconv.FormatInt(c.who.User.ID, 10))
	case InProject:
		return c.enter(route.Action)
	default:
		return nil
	}
}

// need refuses the caller unless allowed: 401 to anonymous callers, 403 to others.
func (c *call) need(allowed bool) error {
	switch {
	case c.who.Anonymous:
		return auth.ErrUnauthenticated
	case !allowed:
		return refuse(http.StatusForbidden, "forbidden")
	default:
		return nil
	}
}

// enter looks up the project and asks whether the caller may do this there.
func (c *call) enter(action auth.Action) error {
	visitors := auth.Allowed(auth.Identity{Anonymous: true}, hook.Project{Public: true}, hook.RoleNone, action)
	if c.who.Anonymous && !visitors {
		return auth.ErrUnauthenticated
	}
	project, err := c.findProject()
	if err != nil {
		return err
	}
	c.project = project
	allowed, err := c.can(action)
	if err != nil || allowed {
		return err
	}
	return c.need(false)
}

func (c *call) can(action auth.Action) (bool, error) {
	allowed, err := c.api.Auth.Can(c.r.Context(), c.who, c.project, action)
	if err != nil {
		return false, fmt.Errorf("authorise: %w", err)
	}
	return allowed, nil
}

// findProject takes digits for an id, unless the caller says that they are a name.
func (c *call) findProject() (hook.Project, error) {
	name, err := url.PathUnescape(c.params[":project"])
	if err != nil {
		return hook.Project{}, notFound("project")
	}
	byName, _ := strconv.ParseBool(c.r.Header.Get("X-Is-Resource-Name"))
	var project hook.Project
	switch id, numeric := number(name); {
	case numeric && !byName:
		project, err = c.api.Store.Project(c.r.Context(), id)
	case hook.ValidProjectName(name):
		project, err = c.api.Store.ProjectByName(c.r.Context(), name)
	default:
		return hook.Project{}, notFound("project")
	}
	return project, orNotFound(err, "project")
}

// id returns a numeric parameter of the path. What is no number names nothing.
func (c *call) id(param, what string) (int64, error) {
	id, ok := number(c.params[param])
	if !ok {
		return 0, notFound(what)
	}
	return id, nil
}

// number reads an id: digits only, greater than zero.
func number(s string) (int64, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	id, err := strconv.ParseInt(s, 10, 64)
	return id, err == nil && id > 0
}

// body reads the whole body, which the Guard bounds.
func (c *call) body() ([]byte, error) {
	body, err := io.ReadAll(c.r.Body)
	if err == nil {
		return body, nil
	}
	return nil, unread(err, "the body could not be read")
}

// unread is why a body was not read: the server's limits, or else the client.
func unread(err error, message string) error {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) || errors.Is(err, errNoRoom) {
		return err
	}
	return refuse(http.StatusBadRequest, message)
}

// object reads a body that is one JSON object, as strictly as the family does.
func (c *call) object(known ...string) *object {
	body, err := c.body()
	if err != nil {
		return &object{err: err}
	}
	return c.family.parse(body, known...)
}

// created answers 201 with the place of the new object, which is the path of the
// request and its id.
func (c *call) created(id int64) error {
	c.w.Header().Set("Location", placeOf(c.r, id))
	c.w.WriteHeader(http.StatusCreated)
	return nil
}

func placeOf(r *http.Request, id int64) string {
	return r.URL.EscapedPath() + "/" + strconv.FormatInt(id, 10)
}

// done answers 200 without a body.
func (c *call) done() error {
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func (c *call) json(value any) error { return writeJSON(c.w, http.StatusOK, value) }

// clientOf returns the address of who is connected, without port. What a header
// says of clients further away is not believed.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
