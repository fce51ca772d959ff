package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

func showStart(v *visit) error {
	if v.who.Anonymous {
		return v.redirect("/sign-in")
	}
	return v.redirect("/projects")
}

type signInView struct {
	Username string
	Next     string
	Error    string
}

func showSignIn(v *visit) error {
	next := local(v.r.URL.Query().Get("next"))
	if !v.who.Anonymous {
		return v.redirect(next)
	}
	v.show(http.StatusOK, "sign-in", v.t("Sign in"), signInView{Next: next})
	return nil
}

// local returns where to go after signing in: a page of ours, whatever is asked for.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/sign-in") {
		return "/projects"
	}
	return next
}

func signIn(v *visit) error {
	form := v.r.PostForm
	username, next := form.Get("username"), local(form.Get("next"))
	session, err := v.Sessions.SignIn(v.r.Context(), username, form.Get("password"), v.client())
	var backOff *auth.BackOffError
	switch {
	case errors.Is(err, auth.ErrUnauthenticated):
		v.show(http.StatusUnauthorized, "sign-in", v.t("Sign in"), signInView{username, next, v.t("The user name or the password is wrong.")})
		return nil
	case errors.As(err, &backOff):
		v.show(http.StatusTooManyRequests, "sign-in", v.t("Sign in"), signInView{username, next, v.t("Too many failed sign-ins. Wait before you try again.")})
		return nil
	case err != nil:
		return fmt.Errorf("sign in: %w", err)
	}
	if old := cookie(v.r, sessionCookie); old != "" {
		if err := v.Sessions.SignOut(v.r.Context(), old); err != nil {
			return fmt.Errorf("end the session before: %w", err)
		}
	}
	v.setCookie(sessionCookie, session.Token, 0)
	return v.redirect(next)
}

// setCookie sets a cookie that scripts cannot read; maxAge -1 removes it.
func (v *visit) setCookie(name, value string, maxAge int) {
	secure := v.r.TLS != nil || strings.EqualFold(v.r.Header.Get("X-Forwarded-Proto"), "https")
	http.SetCookie(v.w, &http.Cookie{ //nolint:gosec // without TLS a browser would drop a Secure cookie
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

func signOut(v *visit) error {
	if err := v.Sessions.SignOut(v.r.Context(), v.session.Token); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	v.setCookie(sessionCookie, "", -1)
	return v.redirect("/sign-in")
}

// aYear is how long a browser keeps language and theme, in seconds.
const aYear = 365 * 24 * 60 * 60

func setPreferences(v *visit) error {
	form := v.r.PostForm
	if tag := form.Get("lang"); tag != "" {
		v.setCookie(languageCookie, tag, aYear)
	}
	if theme := knownTheme(form.Get("theme")); theme != "" {
		v.setCookie(themeCookie, theme, aYear)
	}
	return v.redirect(local(form.Get("next")))
}

type passwordView struct{ Errors formErrors }

func showPassword(v *visit) error {
	v.show(http.StatusOK, "password", v.t("Change password"), passwordView{})
	return nil
}

// changePassword asks for the old password, and keeps the session that it is
// changed in: every other one of the user ends.
func changePassword(v *visit) error {
	form := v.r.PostForm
	var wrong formErrors
	if form.Get("new") != form.Get("again") {
		wrong.add("again", v.t("The two new passwords differ."))
	}
	_, err := v.Auth.Authenticate(v.r.Context(), v.who.User.Username, form.Get("old"), v.client())
	if errors.Is(err, auth.ErrUnauthenticated) {
		wrong.add("old", v.t("This is not your password."))
	} else if err != nil {
		return fmt.Errorf("check the old password: %w", err)
	}
	hash, err := auth.HashPassword(form.Get("new"))
	if reason, ok := reasonOf(err); ok {
		wrong.add("new", v.sentence(reason))
	} else if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	if len(wrong) > 0 {
		v.show(http.StatusUnprocessableEntity, "password", v.t("Change password"), passwordView{wrong})
		return nil
	}
	if err := v.setPassword(v.who.User, hash); err != nil {
		return err
	}
	session, err := v.Sessions.SignIn(v.r.Context(), v.who.User.Username, form.Get("new"), v.client())
	if err != nil {
		return fmt.Errorf("sign in again: %w", err)
	}
	v.setCookie(sessionCookie, session.Token, 0)
	return v.redirect("/projects", "done", "password")
}

func (v *visit) setPassword(u hook.User, hash string) error {
	if err := v.Store.SetPassword(v.r.Context(), u.ID, hash); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	v.Auth.Forget(u.Username)
	if err := v.Sessions.SignOutUser(v.detached(), u.ID); err != nil {
		v.Logger.WarnContext(v.detached(), "sessions that are over were not removed", "user", u.ID, "error", err)
	}
	return nil
}

func reasonOf(err error) (hook.Message, bool) {
	var invalid *hook.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Message, true
	}
	return hook.Message{}, false
}

// formErrors are what is wrong with a form, in the order of its fields.
type formErrors []fieldError

type fieldError struct{ Field, Text string }

func (e *formErrors) add(field, text string) { *e = append(*e, fieldError{field, text}) }

// Of returns what is wrong with a field, or nothing.
func (e formErrors) Of(field string) string {
	for _, one := range e {
		if one.Field == field {
			return one.Text
		}
	}
	return ""
}

// sentence makes a reason of the service layer, which follows the field's name
// there, stand alone.
func (v *visit) sentence(reason hook.Message) string {
	return v.t("This %s.", v.says(reason))
}

// fault is sentence for a reason without arguments.
func (v *visit) fault(reason string) string { return v.sentence(hook.Message{Format: reason}) }

// says translates a message of the service layer, and those of its arguments that are
// messages themselves.
func (v *visit) says(m hook.Message) string {
	args := slices.Clone(m.Args)
	for i, arg := range args {
		if term, ok := arg.(hook.Term); ok {
			args[i] = v.t(string(term))
		}
	}
	return v.t(m.Format, args...)
}
