package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/portal/words"
)

// pages are the templates of each language, by its tag.
type pages map[string]*template.Template

// newPages parses the templates once for each language. They are part of the
// program; a mistake in one shows when it starts.
func newPages(languages []words.Language, a assets) pages {
	all := pages{}
	for _, l := range languages {
		t := template.New("").Funcs(functions(l, a))
		all[l.Tag] = template.Must(t.ParseFS(embedded, "templates/*.html"))
	}
	return all
}

func functions(l words.Language, a assets) template.FuncMap {
	return template.FuncMap{
		"t":     l.T,
		"n":     l.N,
		"asset": a.path,
		"icon":  icon,
		"clock": func(t time.Time) string { return t.UTC().Format("15:04:05") },
		"full":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"took":  took,
		"join":  strings.Join,
		"list":  func(values ...any) []any { return values },
		"last":  func(i int, of []crumb) bool { return i == len(of)-1 },
		"selected": func(a, b any) template.HTMLAttr {
			if fmt.Sprint(a) == fmt.Sprint(b) {
				return "selected"
			}
			return ""
		},
		"checked": func(yes bool) template.HTMLAttr {
			if yes {
				return "checked"
			}
			return ""
		},
	}
}

// icon draws one of the symbols that stand at the top of every page.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`) //nolint:gosec // the name is escaped, and a template's own
}

// took writes a duration for people.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < 10*time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	default:
		return d.Round(time.Second).String()
	}
}

// frame is what every page is shown in.
type frame struct {
	Title     string
	Language  words.Language
	Languages []words.Language
	Theme     string
	NextTheme string
	Section   string
	User      string
	Admin     bool
	CSRF      string
	// Here is the address of the page, to come back to.
	Here   string
	Crumbs []crumb
	Now    time.Time
	Notice *notice
	Tabs   []tab
	Page   any
}

type crumb struct{ Text, Path string }

type tab struct {
	Text, Path string
	Current    bool
	// Count is shown if Counted.
	Count   int
	Counted bool
}

// notice is what a form did, told once above the next page.
type notice struct {
	Kind string // ok or bad
	Text string
	// Undo, if set, is the address of a form that takes it back.
	Undo string
}

// show writes a whole page. Nothing is written when the template fails.
func (v *visit) show(status int, name, title string, page any, more ...func(*frame)) {
	f := frame{
		Title: title, Language: v.words, Languages: v.languages, Theme: v.theme, NextTheme: "dark", Section: v.section(),
		User: v.who.Name(), Admin: v.who.SysAdmin(), CSRF: v.session.CSRF, Here: v.here(), Now: v.Now(), Page: page,
	}
	if v.theme == "dark" {
		f.NextTheme = "light"
	}
	for _, change := range more {
		change(&f)
	}
	f.Notice = v.notice()
	var out bytes.Buffer
	if err := v.pages[v.words.Tag].ExecuteTemplate(&out, name+".html", f); err != nil {
		v.log(fmt.Errorf("write the page %s: %w", name, err))
		http.Error(v.w, "internal server error", http.StatusInternalServerError)
		return
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-store")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	v.w.WriteHeader(status)
	_, _ = v.w.Write(out.Bytes()) // a reader who hangs up is his own affair
}

// section is the entry of the header's menu that the page belongs to.
func (v *visit) section() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(v.r.URL.Path, "/"), "/")
	return first
}

// here is where a change of language or theme leads back to.
func (v *visit) here() string {
	if v.r.Method == http.MethodGet {
		return v.r.URL.RequestURI()
	}
	return "/projects"
}

// in puts the page into the breadcrumb of its project.
func (v *visit) in(crumbs ...crumb) func(*frame) {
	return func(f *frame) {
		f.Crumbs = append([]crumb{{v.t("Projects"), "/projects"}, {v.project.Name, "/projects/" + v.project.Name}}, crumbs...)
	}
}

// tabs adds the tabs of the project that the reader may open.
func (v *visit) tabs(current string, policies int) (func(*frame), error) {
	var tabs []tab
	for _, t := range []struct {
		name, text, path string
		action           auth.Action
	}{
		{"policies", v.t("Policies"), v.webhooks(""), mayListPolicies},
		{"deliveries", v.t("Deliveries"), v.webhooks("/deliveries"), mayListDeliveries},
		{"members", v.t("Members"), "/projects/" + v.project.Name + "/members", mayListMembers},
	} {
		ok, err := v.Can(t.action)
		if err != nil {
			return nil, err
		}
		if ok {
			counted := t.name == "policies" && policies >= 0
			tabs = append(tabs, tab{Text: t.text, Path: t.path, Current: t.name == current, Count: policies, Counted: counted})
		}
	}
	return func(f *frame) { f.Tabs = tabs }, nil
}

// notice reads what the form before did: a word of the list and a number, so that
// nobody can make a page say something else.
func (v *visit) notice() *notice {
	q := v.r.URL.Query()
	n, _ := strconv.Atoi(q.Get("n"))
	switch q.Get("done") {
	case "created":
		return &notice{Kind: "ok", Text: v.t("The webhook was created.")}
	case "saved":
		return &notice{Kind: "ok", Text: v.t("The webhook was saved.")}
	case "deleted":
		return &notice{Kind: "ok", Text: v.t("The webhook was deleted.")}
	case "disabled":
		return v.undo(v.t("The webhook was deactivated."), n, "/enable")
	case "enabled":
		return v.undo(v.t("The webhook was enabled."), n, "/disable")
	case "redelivered":
		return &notice{Kind: "ok", Text: v.words.N(n, "1 delivery is sent again.", "%d deliveries are sent again.")}
	case "bulk":
		return &notice{Kind: "ok", Text: v.t("%d deliveries are sent again in the background.", n)}
	case "stopped":
		return &notice{Kind: "ok", Text: v.t("The delivery was stopped.")}
	case "tested":
		return v.tested(q.Get("result"), n)
	case "added":
		return &notice{Kind: "ok", Text: v.t("Added.")}
	case "changed":
		return &notice{Kind: "ok", Text: v.t("Changed.")}
	case "removed":
		return &notice{Kind: "ok", Text: v.t("Removed.")}
	case "password":
		return &notice{Kind: "ok", Text: v.t("The password was changed.")}
	case "circuit":
		return &notice{Kind: "ok", Text: v.t("The circuit was closed; its deliveries go on.")}
	default:
		return nil
	}
}

func (v *visit) undo(text string, policy int, form string) *notice {
	shown := &notice{Kind: "ok", Text: text}
	if policy > 0 && v.project.ID != 0 {
		shown.Undo = v.webhooks("/" + strconv.Itoa(policy) + form)
	}
	return shown
}

// options are the entries of a select.
type option struct {
	Value, Text string
}

func optionsOf(values []string) []option {
	options := make([]option, len(values))
	for i, value := range values {
		options[i] = option{value, value}
	}
	return options
}

// pager is the foot of a list.
type pager struct {
	Sizes       []int
	Size        int
	From, To    int
	Total       int
	Prev, Next  string
	Hidden      []option
	Approximate bool
}

var pageSizes = []int{15, 25, 50, 100}

// pageOf reads page and page_size; what is neither is the first page of 15.
func (v *visit) pageOf() (number, size int) {
	q := v.r.URL.Query()
	number, err := strconv.Atoi(q.Get("page"))
	if err != nil || number < 1 || number > 1<<24 {
		number = 1
	}
	size, err = strconv.Atoi(q.Get("page_size"))
	if err != nil || !slices.Contains(pageSizes, size) {
		size = pageSizes[0]
	}
	return number, size
}

// pager links the pages of a list around the one that is shown.
func (v *visit) pager(number, size, shown, total int) pager {
	p := pager{Sizes: pageSizes, Size: size, To: (number-1)*size + shown, Total: total}
	if shown > 0 {
		p.From = (number-1)*size + 1
	}
	q := v.r.URL.Query()
	for _, name := range []string{"open", "attempt", "done", "n", "result"} {
		q.Del(name)
	}
	link := func(to int) string {
		q.Set("page", strconv.Itoa(to))
		return v.r.URL.Path + "?" + q.Encode()
	}
	if number > 1 {
		p.Prev = link(number - 1)
	}
	if p.To < total {
		p.Next = link(number + 1)
	}
	for name, values := range q {
		for _, value := range values {
			if name != "page" && name != "page_size" && value != "" {
				p.Hidden = append(p.Hidden, option{name, value})
			}
		}
	}
	return p
}
