package portal

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/portal/words"
)

const (
	sessionCookie  = "sid"
	languageCookie = "lang"
	themeCookie    = "theme"
	// liveHeader marks what a page asks by itself, which does not renew the session.
	liveHeader = "X-Live"
)

// visit is one request on its way to one page.
type visit struct {
	*Portal
	w http.ResponseWriter
	r *http.Request
	// words is the language that the reader wants.
	words words.Language
	theme string
	// session is empty on public pages for who is not signed in.
	session auth.Session
	who     auth.Identity
	// project is the one in the path, if there is one.
	project hook.Project
	allowed map[auth.Action]bool
}

// page wraps a page: who it is for, forms, and what shows if it fails.
func (p *Portal) page(a access, f func(*visit) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Portal: p, w: w, r: r, who: auth.Identity{Anonymous: true}, allowed: map[auth.Action]bool{}}
		v.words = words.Choose(p.languages, cookie(r, languageCookie), r.Header.Get("Accept-Language"))
		v.theme = knownTheme(cookie(r, themeCookie))
		err := v.enter(a) //nolint:contextcheck // the visit has the request, and with it the context
		if err == nil {
			err = f(v)
		}
		if err != nil {
			v.fail(err) //nolint:contextcheck // as above
		}
	})
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

func knownTheme(name string) string {
	if name == "dark" || name == "light" {
		return name
	}
	return ""
}

// enter checks in this order: signed in, form token, project exists, role.
func (v *visit) enter(a access) error {
	if err := v.identify(a.public); err != nil {
		return err
	}
	if v.r.Method == http.MethodPost {
		if err := v.readForm(); err != nil {
			return err
		}
	}
	if a.admin && !v.who.SysAdmin() {
		return errForbidden
	}
	if !a.project {
		return nil
	}
	return v.enterProject(a.actions)
}

func (v *visit) identify(public bool) error {
	find := v.Sessions.Session
	if v.live() {
		find = v.Sessions.Peek
	}
	session, err := find(v.r.Context(), cookie(v.r, sessionCookie))
	switch {
	case errors.Is(err, auth.ErrUnauthenticated) && public:
		return nil
	case errors.Is(err, auth.ErrUnauthenticated):
		return errSignIn
	case err != nil:
		return fmt.Errorf("identify the caller: %w", err)
	}
	v.session, v.who = session, session.Identity
	return nil
}

// live says whether a script asks, not a person.
func (v *visit) live() bool { return v.r.Header.Get(liveHeader) != "" }

// maxForm bounds a form, in bytes: the longest policy fits several times.
const maxForm = 512 << 10

// readForm wants the token of the session with every form of a signed-in user.
func (v *visit) readForm() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
			return &pageError{status: http.StatusRequestEntityTooLarge, title: "Too large", text: "The form is too large."}
		}
		return errBadForm
	}
	for _, values := range v.r.PostForm {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return errBadForm
			}
		}
	}
	if !v.who.Anonymous && !v.session.ValidCSRF(v.r.PostForm.Get("csrf")) {
		return errStale
	}
	return nil
}

func (v *visit) enterProject(actions []auth.Action) error {
	name := v.r.PathValue("project")
	if !hook.ValidProjectName(name) {
		return errNoProject
	}
	project, err := v.Store.ProjectByName(v.r.Context(), name)
	if errors.Is(err, hook.ErrNotFound) {
		return errNoProject
	}
	if err != nil {
		return fmt.Errorf("look up the project: %w", err)
	}
	v.project = project
	for _, action := range actions {
		ok, err := v.Can(action)
		if err != nil {
			return err
		}
		if !ok {
			return errForbidden
		}
	}
	return nil
}

// Can says whether the reader may do this in the project. It asks once for each
// action.
func (v *visit) Can(action auth.Action) (bool, error) {
	if allowed, known := v.allowed[action]; known {
		return allowed, nil
	}
	allowed, err := v.Auth.Can(v.r.Context(), v.who, v.project, action)
	if err != nil {
		return false, fmt.Errorf("authorise: %w", err)
	}
	v.allowed[action] = allowed
	return allowed, nil
}

// t translates a message.
func (v *visit) t(message string, args ...any) string { return v.words.T(message, args...) }

// id returns a number of the path; what is none names nothing.
func (v *visit) id(name string) (int64, error) {
	text := v.r.PathValue(name)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strings.Trim(text, "0123456789") != "" {
		return 0, errNoPage
	}
	return id, nil
}

// redirect sends the browser to a page of ours after a form.
func (v *visit) redirect(path string, query ...string) error {
	if values := pairs(query); len(values) > 0 {
		path += "?" + values.Encode()
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

func pairs(query []string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	return values
}

// webhooks returns the address of the project's policies, or of what lies below.
func (v *visit) webhooks(below string) string {
	return "/projects/" + v.project.Name + "/webhooks" + below
}

// by returns the entry that says that the visitor does this here, for whatever makes
// the change to store with it.
func (v *visit) by(action hook.AuditAction) *hook.AuditEntry {
	return &hook.AuditEntry{ProjectID: v.project.ID, Actor: v.who.Name(), Action: action}
}

// did writes to the log what the visitor has done.
func (v *visit) did(e *hook.AuditEntry) { v.logDone(slog.LevelInfo, e, nil) }

// tried records what the visitor has done that changes nothing here, in the database
// and in the log.
func (v *visit) tried(e *hook.AuditEntry) {
	level := slog.LevelInfo
	err := v.Store.AddAudit(v.detached(), *e)
	if err != nil {
		level = slog.LevelError
	}
	v.logDone(level, e, err)
}

func (v *visit) logDone(level slog.Level, e *hook.AuditEntry, err error) {
	v.Logger.LogAttrs(v.r.Context(), level, "audit", slog.String("actor", e.Actor), slog.String("action", string(e.Action)),
		slog.Int64("project", e.ProjectID), slog.Int64("policy", e.PolicyID), slog.Int64("job", e.JobID),
		slog.String("detail", e.Detail), slog.Any("error", err))
}

// client is the address of who is connected, without port.
func (v *visit) client() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	return host
}
