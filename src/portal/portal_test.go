package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/hook"
)

const webhooks = "/projects/library/webhooks"

// wants checks the status and what the page says; a text after ! must be missing.
func wants(t *testing.T, what string, status int, body string, wantStatus int, texts ...string) {
	t.Helper()
	if status != wantStatus {
		t.Errorf("%s: %d, want %d", what, status, wantStatus)
	}
	for _, text := range texts {
		if missing, ok := strings.CutPrefix(text, "!"); ok {
			if strings.Contains(body, missing) {
				t.Errorf("%s: the page says %q", what, missing)
			}
		} else if !strings.Contains(body, text) {
			t.Errorf("%s: the page lacks %q", what, text)
		}
	}
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		user, path string
		status     int
		texts      []string
	}{
		{"admin", webhooks, 200, []string{"new-webhook", "3 of 41 failed", "delete-webhook-3", "!Bearer hidden"}},
		{"master", webhooks, 200, []string{"Only project administrators", "!new-webhook", "!delete-webhook", "!s3cret", "!Bearer hidden"}},
		{"dev", webhooks, 403, []string{"Your role does not allow this.", "!ci.example.com"}},
		{"stranger", webhooks, 403, nil},
		{"root", webhooks, 200, []string{"new-webhook", "/system"}},
		{"admin", webhooks + "/3", 200, []string{"edit-webhook-save", "leave blank to keep", "!Bearer hidden"}},
		{"master", webhooks + "/3", 200, []string{"Only project administrators", "https://ci.example.com/hook?token=", "is set", "Image pushed", "All repositories and tags", "!<input class", "!<fieldset", "!disabled", "!edit-webhook-save", "!webhook-test", "!s3cret", "!Bearer hidden"}},
		{"master", webhooks + "/new", 403, nil},
		{"master", webhooks + "/delete/3", 403, nil},
		{"admin", webhooks + "/77", 404, nil},
		{"admin", webhooks + "/x", 404, nil},
		{"admin", webhooks + "/deliveries", 200, []string{"1 delivery", "app:v1", "redeliver-all", "<svg", "As a table"}},
		{"master", webhooks + "/deliveries?open=7", 200, []string{"502", "!redeliver-all", `!id="redeliver"`}},
		{"admin", webhooks + "/deliveries/7", 200, []string{"&#34;&lt;b&gt;&#34;", "!<b>\"", `id="redeliver"`}},
		{"admin", webhooks + "/deliveries/8", 404, nil},
		{"admin", webhooks + "/deliveries?span=custom&from=x", 422, []string{"Write a time such as"}},
		{"dev", webhooks + "/deliveries/7", 403, nil},
		{"admin", "/projects/none/webhooks", 404, []string{"There is no such project."}},
		{"admin", "/projects/..%5C/webhooks", 404, nil},
		{"admin", "/system", 403, nil},
		{"root", "/system", 200, []string{"healthy", "All endpoints are tried as usual."}},
		{"admin", "/nothing", 404, []string{"There is no such page."}},
	} {
		s := newSite(t)
		status, body, _ := s.do(t, test.user, "GET", test.path, nil)
		wants(t, test.user+" "+test.path, status, body, test.status, test.texts...)
	}
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, _, h := s.do(t, "", "GET", webhooks+"?q=x", nil)
	if want := "/sign-in?next=" + url.QueryEscape(webhooks+"?q=x"); status != http.StatusSeeOther || h.Get("Location") != want {
		t.Errorf("%d %q", status, h.Get("Location"))
	}
	status, body, _ := s.do(t, "", "POST", "/sign-in", url.Values{"username": {`"><x`}, "password": {"wrong"}})
	wants(t, "wrong password", status, body, 401, "The user name or the password is wrong.", `value="&#34;&gt;&lt;x"`)
	for next, want := range map[string]string{
		webhooks: webhooks, "": "/projects", "//evil.example": "/projects", "https://evil.example": "/projects", `/\evil.example`: "/projects",
	} {
		status, _, h := s.do(t, "", "POST", "/sign-in", url.Values{"username": {"admin"}, "password": {"right password"}, "next": {next}})
		if status != http.StatusSeeOther || h.Get("Location") != want {
			t.Errorf("next %q: %d %q", next, status, h.Get("Location"))
		}
		if c := h.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie %q", c)
		}
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, _, _ := s.do(t, "admin", "POST", webhooks+"/3/delete", url.Values{"csrf": {"csrf of bob"}})
	if status != http.StatusForbidden || len(s.policies) != 1 {
		t.Errorf("another session's token: %d", status)
	}
	status, _, _ = s.do(t, "admin", "POST", webhooks+"/3/delete", url.Values{}, "Sec-Fetch-Site", "cross-site")
	if status != http.StatusForbidden || len(s.policies) != 1 {
		t.Errorf("another site: %d", status)
	}
	for _, path := range []string{"/3", "/new", "/test", "/preview", "/3/test", "/3/enable", "/3/disable", "/3/delete", "/deliveries/7/redeliver", "/deliveries/7/stop", "/deliveries/redeliver"} {
		if status, _, _ := s.do(t, "master", "POST", webhooks+path, url.Values{}); status != http.StatusForbidden {
			t.Errorf("a maintainer posts to %s: %d", path, status)
		}
	}
}

func TestPollingDoesNotRenewTheSession(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if status, _, _ := s.do(t, "admin", "GET", webhooks+"/deliveries", nil, "X-Live", "1"); status != 200 || s.renewals != 0 {
		t.Errorf("%d, %d renewals", status, s.renewals)
	}
	if status, _, _ := s.do(t, "", "GET", webhooks+"/deliveries", nil, "X-Live", "1"); status != http.StatusUnauthorized {
		t.Errorf("signed out: %d", status)
	}
}

func valid() url.Values {
	return url.Values{
		"name": {"new"}, "enabled": {"1"}, "type": {"http"}, "format": {"Events"}, "url": {"https://new.example.com/"}, "verify": {"1"},
		"event": {"pushImage"}, "repo-mode": {"regexp"}, "repo": {"(api|web)"}, "tag-mode": {"list"}, "tags": {"stable\r\n\r\nlatest\r\n"},
	}
}

func TestCreatingAPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, _, h := s.do(t, "admin", "POST", webhooks+"/new", valid())
	if status != http.StatusSeeOther || h.Get("Location") != webhooks+"?done=created" || len(s.policies) != 2 {
		t.Fatalf("%d %q, %d policies", status, h.Get("Location"), len(s.policies))
	}
	p := s.policies[1]
	if p.Creator != "admin" || p.ProjectID != 1 || p.Targets[0].SkipCertVerify || len(p.Filters) != 2 || strings.Join(p.Filters[1].List, " ") != "stable latest" {
		t.Errorf("stored %+v", p)
	}
}

func TestWhatIsWrongIsToldBesideItsField(t *testing.T) {
	t.Parallel()
	for field, test := range map[string]struct {
		set  url.Values
		text string
	}{
		"name":              {url.Values{"name": {""}}, "Give the webhook a name."},
		"edit_endpoint_url": {url.Values{"url": {"ci.example.com/<x>"}}, "The URL has to begin with https:// or http://."},
		"event":             {url.Values{"event": nil}, "Choose at least one."},
		"repo":              {url.Values{"repo": {"(api"}}, "at position"},
		"tags":              {url.Values{"tags": {""}}, "has 0 entries"},
		"description":       {url.Values{"description": {strings.Repeat("x", 1025)}}, "1025 characters"},
		"auth_header":       {url.Values{"auth": {"a\nb"}}, "line breaks"},
	} {
		s := newSite(t)
		form := valid()
		for name, values := range test.set {
			form[name] = values
		}
		status, body, _ := s.do(t, "admin", "POST", webhooks+"/new", form)
		wants(t, field, status, body, 422, test.text, `id="`+field+`-err"`, `href="#`+field+`"`, "!<x>", "(api")
		if len(s.policies) != 1 {
			t.Errorf("%s: stored", field)
		}
	}
}

func edit(set ...string) url.Values {
	form := valid()
	form.Set("url", "https://ci.example.com/hook?token=other")
	form.Set("seen", strconv.FormatInt(epoch.UnixMicro(), 10))
	for i := 0; i+1 < len(set); i += 2 {
		form.Set(set[i], set[i+1])
	}
	return form
}

func TestSecretsAreKeptOrDropped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		form   url.Values
		status int
		auth   string
	}{
		{edit(), 303, "Bearer hidden"},
		{edit("auth", "Bearer new"), 303, "Bearer new"},
		{edit("drop-auth", "1"), 303, ""},
		{edit("url", "https://evil.example.com/"), 422, "Bearer hidden"},
		{edit("url", "https://evil.example.com/", "auth", "Bearer new"), 303, "Bearer new"},
	} {
		s := newSite(t)
		status, body, _ := s.do(t, "admin", "POST", webhooks+"/3", test.form)
		if status != test.status || s.policies[0].Targets[0].AuthHeader != test.auth {
			t.Errorf("%v: %d, auth header %q", test.form, status, s.policies[0].Targets[0].AuthHeader)
		}
		wants(t, "edit", status, body, test.status, "!Bearer")
	}
	s := newSite(t)
	status, body, _ := s.do(t, "admin", "POST", webhooks+"/test", edit("id", "3", "url", "https://evil.example.com/"))
	wants(t, "test at a new origin", status, body, 422, "must be entered again")
	if s.tested != nil {
		t.Error("the kept secret was sent to another origin")
	}
}

func TestChangedElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	status, body, _ := s.do(t, "admin", "POST", webhooks+"/3", edit("seen", "1", "name", "mine"))
	wants(t, "changed", status, body, 412, "Changed by bob", `value="mine"`, "!Bearer hidden")
	if s.policies[0].Name != "ci" {
		t.Error("saved over what somebody else saved")
	}
	over := regexp.MustCompile(`name="over" value="(\d+)"`).FindStringSubmatch(body)
	if over == nil {
		t.Fatal("no way to save all the same")
	}
	status, _, _ = s.do(t, "admin", "POST", webhooks+"/3", edit("seen", "1", "name", "mine", "over", "2"))
	if status != http.StatusPreconditionFailed {
		t.Errorf("over what nobody has seen: %d", status)
	}
	status, _, _ = s.do(t, "admin", "POST", webhooks+"/3", edit("seen", "1", "name", "mine", "over", over[1]))
	if status != http.StatusSeeOther || s.policies[0].Name != "mine" {
		t.Errorf("over it: %d, %q", status, s.policies[0].Name)
	}
}

func TestTryingOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := edit("id", "3", "name", "")
	form.Del("event")
	status, body, _ := s.do(t, "admin", "POST", webhooks+"/test", form)
	wants(t, "test", status, body, 200, "200 OK", "thanks")
	if s.tested == nil || s.tested.Targets[0].AuthHeader != "Bearer hidden" {
		t.Errorf("tested %+v", s.tested)
	}
	for range 9 {
		s.do(t, "admin", "POST", webhooks+"/test", edit("id", "3"))
	}
	status, body, _ = s.do(t, "admin", "POST", webhooks+"/test", edit("id", "3"))
	wants(t, "the eleventh", status, body, 200, "Too many tests in a minute.")
	s.events = []hook.Event{{Type: hook.PushImage, Repository: "api", Resources: []hook.Resource{{Tag: "stable"}}}, {Type: hook.PushImage, Repository: "base", Resources: []hook.Resource{{Tag: "latest"}}}}
	status, body, _ = s.do(t, "admin", "POST", webhooks+"/preview", valid())
	wants(t, "preview", status, body, 200, "Of the last 2 events, 1 would be sent.", "base:latest")
}

func TestAFailedListIsNeverEmpty(t *testing.T) {
	t.Parallel()
	for _, path := range []string{webhooks, webhooks + "/deliveries", "/projects", "/projects/library/members"} {
		s := newSite(t)
		s.err = hook.ErrUnavailable
		status, body, _ := s.do(t, "admin", "GET", path, nil)
		wants(t, path, status, body, 200, "The list could not be read. The database does not answer", "Try again", "!No webhooks yet", "!No deliveries match", "!No projects")
	}
}

func TestDeliveriesAreSentAgainAndStopped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, _, h := s.do(t, "admin", "POST", webhooks+"/deliveries/7/redeliver", url.Values{"query": {"status=error&evil=1"}})
	if got := h.Get("Location"); got != webhooks+"/deliveries?done=redelivered&n=1&open=8&status=error" {
		t.Errorf("leads to %q", got)
	}
	s.jobs[0].Status = hook.StatusFinished
	status, body, _ := s.do(t, "admin", "POST", webhooks+"/deliveries/7/redeliver", url.Values{})
	wants(t, "one that succeeded", status, body, 200, "Send the same event again?")
	status, body, _ = s.do(t, "admin", "GET", webhooks+"/deliveries/redeliver?status=error", nil)
	wants(t, "all", status, body, 200, "41 deliveries match the search.", "status=error")
	if status, _, _ = s.do(t, "admin", "POST", webhooks+"/deliveries/7/stop", url.Values{}); status != http.StatusSeeOther || s.stopped != 7 {
		t.Errorf("stop: %d, %d", status, s.stopped)
	}
}

// What strangers answer is shown as text, and what has no shape is shown all the same.
func TestHostileAnswersAreText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.attempt.Response.Body = "<img src=x onerror=alert(1)>\n\x1b[31m \u202egpj.exe\u200b"
	s.attempt.Response.Headers = map[string][]string{"X-Evil": {"\u2066</pre><script>"}}
	status, body, _ := s.do(t, "admin", "GET", webhooks+"/deliveries/7", nil)
	wants(t, "a hostile answer", status, body, 200, "&lt;img src=x", "\u241b[31m", "[U&#43;202E]gpj.exe[U&#43;200B]", "[U&#43;2066]&lt;/pre&gt;&lt;script&gt;", "!<img", "!<script>", "!\u202e")
}

// The security policy would block these.
func TestPagesObeyTheirPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, path := range []string{"/sign-in", "/projects", webhooks, webhooks + "/new", webhooks + "/3", webhooks + "/deliveries?open=7", "/projects/library/members", "/password"} {
		user := "admin"
		if path == "/sign-in" {
			user = ""
		}
		_, body, h := s.do(t, user, "GET", path, nil)
		for _, forbidden := range []string{`<style`, `<script>`, ` style=`, `\son\w+="`, `(src|href|action)="https?:`} {
			if found := regexp.MustCompile(forbidden).FindString(body); found != "" {
				t.Errorf("%s has %q", path, found)
			}
		}
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: headers %v", path, h)
		}
		if len(body) > 60<<10 {
			t.Errorf("%s has %d bytes", path, len(body))
		}
		for _, asset := range regexp.MustCompile(`/static/[^"]+`).FindAllString(body, -1) {
			if status, _, h := s.do(t, "", "GET", asset, nil); status != 200 || !strings.Contains(h.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d", asset, status)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, body, _ := s.do(t, "admin", "GET", webhooks, nil, "Accept-Language", "zh-TW,zh;q=0.9,en;q=0.8")
	wants(t, "chinese", 200, body, 200, `lang="zh-CN"`, "新建 Webhook", "镜像已推送")
}
