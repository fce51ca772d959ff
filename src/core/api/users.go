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
	checkShort(o, "email", u.Email)
	checkShort(o, "realname", u.Realname)
	return u, password, o.err
}

func checkShort(o *object, name, text string) {
	if utf8.RuneCountInString(text) > 255 || strings.ContainsFunc(text, unicode.IsControl) {
		o.fail(name, "must have at most 255 characters, none of them a control character")
	}
}
