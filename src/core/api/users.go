package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// Users keeps who can sign in.
type Users interface {
	UserByName(ctx context.Context, name string) (hook.User, error)
	User(ctx context.Context, id int64) (hook.User, error)
	SetPassword(ctx context.Context, userID int64, hash string) error
	SetSysAdmin(ctx context.Context, userID int64, sysAdmin bool) error
	// DeleteUser removes the user with his memberships and sessions.
	DeleteUser(ctx context.Context, userID int64) error
	// CreateUser sets the user's id and times; a name that is taken is a hook.ErrConflict.
	CreateUser(ctx context.Context, u *hook.User) error
	// UsernameTaken and EmailTaken say whether somebody has this name or address.
	UsernameTaken(ctx context.Context, name string) (bool, error)
	EmailTaken(ctx context.Context, email string) (bool, error)
	// Users returns one page, and how many there are in all.
	Users(ctx context.Context, page hook.JobPage) ([]hook.User, int, error)
}

type userJSON struct {
	UserID       int64  `json:"user_id"`
	Username     string `json:"username"`
	Email        string `json:"email"`
	Realname     string `json:"realname"`
	SysAdmin     bool   `json:"sysadmin_flag"`
	CreationTime stamp  `json:"creation_time"`
	UpdateTime   stamp  `json:"update_time"`
}

func showUser(f *Family, u hook.User) userJSON {
	return userJSON{u.ID, u.Username, u.Email, u.Realname, u.SysAdmin, f.time(u.CreationTime), f.time(u.UpdateTime)}
}

func (a *API) listUsers(c *call) error {
	q := c.query()
	page := q.page()
	name, named := q.text("username")
	if q.err != nil {
		return q.err
	}
	users, total, err := a.users(c, page, name, named)
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	shown := make([]userJSON, len(users))
	for i, u := range users {
		shown[i] = showUser(c.family, u)
	}
	c.announce(page, total)
	return c.json(shown)
}

func (a *API) users(c *call, page hook.JobPage, name string, named bool) ([]hook.User, int, error) {
	if !named {
		return a.Store.Users(c.r.Context(), page)
	}
	u, err := a.Store.UserByName(c.r.Context(), name)
	if errors.Is(err, hook.ErrNotFound) {
		return nil, 0, nil
	}
	return window([]hook.User{u}, page), 1, err
}

func (a *API) readCurrentUser(c *call) error { return c.json(showUser(c.family, c.who.User)) }

func (a *API) readUser(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	return c.json(showUser(c.family, u))
}

// user looks up the user in the path.
func (a *API) user(c *call) (hook.User, error) {
	id, err := c.id(":uid", "user")
	if err != nil {
		return hook.User{}, err
	}
	u, err := a.Store.User(c.r.Context(), id)
	if err != nil {
		return hook.User{}, orNotFound(fmt.Errorf("look up user: %w", err), "user")
	}
	return u, nil
}

// changePassword asks for the old password, except of a system administrator who
// changes somebody else's.
func (a *API) changePassword(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	var before, after string
	o := c.object("old_password", "new_password")
	o.str("old_password", &before)
	o.str("new_password", &after)
	if o.err != nil {
		return o.err
	}
	if u.ID == c.who.User.ID {
		if err := a.checkPassword(c, u.Username, before); err != nil {
			return err
		}
	}
	hash, err := auth.HashPassword(after)
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if err := a.Store.SetPassword(c.r.Context(), u.ID, hash); err != nil {
		return orNotFound(fmt.Errorf("change password: %w", err), "user")
	}
	a.signOutUser(c, u)
	return c.done()
}

// signOutUser ends what a user may still be signed in by. The sessions are over
// already, with the password that they began with; here they are removed.
func (a *API) signOutUser(c *call, u hook.User) {
	a.Auth.Forget(u.Username)
	ctx := context.WithoutCancel(c.r.Context())
	if err := a.Sessions.SignOutUser(ctx, u.ID); err != nil {
		a.Logger.WarnContext(ctx, "sessions that are over were not removed", "user", u.ID, "error", err)
	}
}

// firstUser is the id of the first system admin, who is made again at the next start
// if he is missing. It is 1, as in Harbor.
const firstUser = 1

// deleteUser removes a user. What he made stays, under his name. Nobody can remove
// himself, so that a system admin is left.
func (a *API) deleteUser(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	if u.ID == c.who.User.ID || u.ID == firstUser {
		return refuse(http.StatusForbidden, "neither the caller nor the first system admin can be deleted")
	}
	if err := a.Store.DeleteUser(c.r.Context(), u.ID); err != nil {
		return orNotFound(fmt.Errorf("delete user: %w", err), "user")
	}
	a.signOutUser(c, u)
	c.logged("delete_user", u.Username)
	return c.done()
}

// setSysAdmin makes a user a system admin, or one no more. Nobody can do that to
// himself, so that one is left.
func (a *API) setSysAdmin(c *call) error {
	u, err := a.user(c)
	if err != nil {
		return err
	}
	o := c.object("sysadmin_flag")
	if !o.has("sysadmin_flag") {
		o.fail("sysadmin_flag", "is missing")
	}
	flag := u.SysAdmin
	if o.boolean("sysadmin_flag", &flag); o.err != nil {
		return o.err
	}
	if u.ID == c.who.User.ID && flag != u.SysAdmin {
		return refuse(http.StatusForbidden, "callers cannot change what they are themselves")
	}
	if err := a.Store.SetSysAdmin(c.r.Context(), u.ID, flag); err != nil {
		return orNotFound(fmt.Errorf("make a system admin: %w", err), "user")
	}
	c.logged("set_sysadmin", fmt.Sprintf("%s: %t", u.Username, flag))
	return c.done()
}

// checkPassword answers 403 to a wrong password: the caller himself is signed in.
func (a *API) checkPassword(c *call, username, password string) error {
	_, err := a.Auth.Authenticate(c.r.Context(), username, password, clientOf(c.r))
	if errors.Is(err, auth.ErrUnauthenticated) {
		return refuse(http.StatusForbidden, "old_password: is not the user's password")
	}
	if err != nil {
		return fmt.Errorf("check the old password: %w", err)
	}
	return nil
}

func (a *API) createUser(c *call) error {
	u, password, err := readNewUser(c.object("username", "email", "realname", "password", "comment", "sysadmin_flag"))
	if err != nil {
		return err
	}
	if u.PasswordHash, err = auth.HashPassword(password); err != nil {
		return fmt.Errorf("create user: %w", err)
	}
	if err := a.Store.CreateUser(c.r.Context(), &u); err != nil {
		return orConflict(fmt.Errorf("create user: %w", err), "there is a user of this name already")
	}
	return c.created(u.ID)
}

// readNewUser reads Harbor's body; comments are left alone. Whether the password
// is good enough is for package auth to say.
func readNewUser(o *object) (u hook.User, password string, err error) {
	o.str("username", &u.Username)
	o.str("email", &u.Email)
	o.str("realname", &u.Realname)
	o.str("password", &password)
	o.boolean("sysadmin_flag", &u.SysAdmin)
	if reason := hook.UsernameFault(u.Username); reason != "" {
		o.fail("username", reason)
	}
	checkText(o, "email", u.Email, maxShort)
	checkText(o, "realname", u.Realname, maxShort)
	return u, password, o.err
}

// maxShort is the longest short text, in characters.
const maxShort = 255

func checkText(o *object, name, text string, most int) {
	if utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, unicode.IsControl) {
		o.fail(name, fmt.Sprintf("must have at most %d characters, none of them a control character", most))
	}
}
