package portal

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/harborhook/harborhook/tests/harness"
)

const password = "correct horse 8"

// people makes a project with one member of each role.
func people(t *testing.T, s *harness.System, project string) {
	t.Helper()
	s.Admin.CreateProject(t, project, false)
	for name, role := range map[string]int{"boss": 1, "dev": 2, "master": 4} {
		s.Admin.CreateUser(t, project+"-"+name, password)
		s.Admin.AddMember(t, project, project+"-"+name, role)
	}
}

func push(t *testing.T, s *harness.System, to string) {
	t.Helper()
	s.Push(t, to, harness.Image(t, harness.Formats()[1], "amd64"))
}

// The main job, as a person does it.
func TestFromAPolicyToADelivery(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "flow")
	endpoint := harness.NewReceiver(t)
	b := newBrowser(t, s)
	b.signIn("flow-boss", password)
	b.click("tbody a[href='/projects/flow']")
	b.has("No webhooks yet.")
	b.check("no webhooks")

	b.click("a[href='/projects/flow/webhooks/new']")
	b.do(chromedp.WaitVisible("#new-webhook-continue"))
	b.click("#new-webhook-continue")
	b.has("Give the webhook a name.")
	b.check("an empty form that was refused")
	b.fill("#name", "ci")
	b.fill("#edit_endpoint_url", endpoint.URL+"/hook")
	b.tick("input[name=event][value=pushImage]")
	b.tick("input[name=tag-mode][value=list]")
	b.fill("#tags", "stable\nlatest")
	b.click("#webhook-test")
	b.has("200 OK")
	b.click("#webhook-preview")
	b.has("Nothing happened in this project yet.")
	b.click("#new-webhook-continue")
	b.has("The webhook was created.")
	b.has("stable, latest")

	b.open("/projects/flow/webhooks/deliveries")
	b.has("No deliveries match.")
	b.do(chromedp.Evaluate("window.kept = 1", nil))
	push(t, s, "flow/app:stable")
	b.has("flow/app:stable"[5:])
	b.until("document.querySelector('#rows .st.ok')", "a delivery that succeeded")
	if eval[int](b, "window.kept || 0") != 1 {
		t.Error("the page was loaded again")
	}
	b.click("#rows a.opens")
	b.do(chromedp.WaitVisible("#request-body"))
	b.has("pushImage")
	b.has("200 OK")
	b.check("an open delivery")
	if eval[int](b, "window.kept || 0") != 1 {
		t.Error("a delivery opened with a reload")
	}
	b.click("#redeliver") // it succeeded, so the page asks first
	b.click("#redeliver-confirm")
	b.has("Redelivery of")
	b.has("1 delivery is sent again.")

	b.open("/projects/flow/webhooks/deliveries?status=error")
	b.has("No deliveries match.")
	b.do(chromedp.Evaluate("history.back()", nil))
	b.has("Redelivery of")
	b.do(chromedp.Focus("#user-menu summary"), chromedp.KeyEvent(kb.Enter))
	b.click("#sign-out")
	b.do(chromedp.WaitVisible("#sign-in"))
	b.open("/projects/flow/webhooks")
	b.fill("#username", "flow-boss")
	b.fill("#password", password)
	b.click("#sign-in")
	b.until("location.pathname === '/projects/flow/webhooks'", "the page that was asked for")
}

func TestABrokenEndpointShowsFourAttempts(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "broken")
	s.Admin.CreatePolicy(t, "broken", harness.Policy{Name: "dead", HookTypes: []string{"pushImage"}, Target: "http://" + harness.FreeAddr(t) + "/x"})
	push(t, s, "broken/app:v1")
	s.Admin.FinalJobs(t, "broken", 1, soon)
	b := newBrowser(t, s)
	b.signIn("broken-boss", password)
	b.open("/projects/broken/webhooks/deliveries")
	b.click("#rows a.opens")
	b.until("document.querySelectorAll('.steps li').length === 4", "four attempts")
	b.check("four attempts")
	b.click("#attempt-2")
	b.until("document.querySelector('#attempt-2').getAttribute('aria-current') === 'true'", "the second attempt")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("!document.querySelector('#pane') && document.activeElement.matches('.opens')", "the list with its link in focus")
	b.click("#redeliver-all")
	b.has("1 delivery matches the search.")
	b.check("the question before redelivering all")
	b.click("#redeliver-confirm")
	b.has("1 delivery is sent again.")
	s.Admin.FinalJobs(t, "broken", 2, soon)
}

func TestRolesSeeWhatTheyMay(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "roles")
	id := s.Admin.CreatePolicy(t, "roles", harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: "http://127.0.0.1:1/hook?token=s3cret"})
	b := newBrowser(t, s)
	b.signIn("roles-master", password)
	b.open("/projects/roles/webhooks")
	b.has("Only project administrators can change webhooks.")
	if n := eval[int](b, "document.querySelectorAll('#new-webhook, form[action*=\"/webhooks/\"]').length"); n != 0 {
		t.Errorf("a maintainer sees %d forms", n)
	}
	if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "s3cret") {
		t.Error("a maintainer reads the token")
	}
	b.check("read only")
	b.open("/projects/roles/webhooks/" + itoa(id))
	b.has("Applies to")
	if n := eval[int](b, "document.querySelectorAll('main :is(input, select, textarea, button)').length"); n != 0 {
		t.Errorf("a maintainer sees %d fields of a policy", n)
	}
	b.check("a policy to read")
	b.shot("policy")
	if strings.Contains(eval[string](b, "document.documentElement.outerHTML"), "s3cret") {
		t.Error("a maintainer reads the token in the form")
	}
	other := newBrowser(t, s)
	other.signIn("roles-dev", password)
	other.open("/projects/roles")
	other.has("roles-boss")
	if n := eval[int](other, "document.querySelectorAll('.tabs a[href*=webhooks]').length"); n != 0 {
		t.Errorf("a developer sees %d tabs of webhooks", n)
	}
	other.open("/projects/roles/webhooks")
	other.has("Your role does not allow this.")
	other.check("forbidden")
}

func TestKeyboardOnly(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "keys")
	s.Admin.CreatePolicy(t, "keys", harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: "http://127.0.0.1:1/hook"})
	b := newBrowser(t, s)
	b.open("/sign-in?next=/projects/keys/webhooks")
	b.do(chromedp.Focus("#username"), chromedp.KeyEvent("keys-boss"+kb.Tab+password+kb.Enter))
	b.has("ci")
	b.do(chromedp.KeyEvent("/"))
	b.until("document.activeElement.id === 'search'", "the search in focus")
	b.do(chromedp.Focus(".act summary"), chromedp.KeyEvent(kb.Enter))
	b.until("document.querySelector('.act .menu[open]')", "an open menu")
	b.check("an open menu")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("!document.querySelector('.menu[open]') && document.activeElement.matches('.act summary')", "a closed menu, its button in focus")
	b.do(chromedp.KeyEvent(kb.Enter + kb.Tab + kb.Enter))
	b.do(chromedp.WaitVisible("#edit-webhook-save"))
}

func TestWithoutScript(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "plain")
	endpoint := harness.NewReceiver(t)
	b := newBrowser(t, s)
	b.do(emulation.SetScriptExecutionDisabled(true))
	b.open("/sign-in?next=/projects/plain/webhooks/new")
	b.fill("#username", "plain-boss")
	b.fill("#password", password)
	b.click("#sign-in")
	b.do(chromedp.WaitVisible("#new-webhook-continue"))
	b.fill("#name", "ci")
	b.fill("#edit_endpoint_url", endpoint.URL)
	b.tick("input[name=event][value=pushImage]")
	b.click("#webhook-test")
	b.do(chromedp.WaitVisible("#test .result .ok"))
	b.click("#new-webhook-continue")
	b.do(chromedp.WaitVisible("#rows tr"))
	push(t, s, "plain/app:v1")
	s.Admin.FinalJobs(t, "plain", 1, soon)
	b.open("/projects/plain/webhooks/deliveries")
	b.click("#rows a.opens")
	b.do(chromedp.WaitVisible("#pane #request-body"))
}

// Every view and state, wide and narrow, light and dark, in both languages.
func TestEveryViewIsSound(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "views")
	endpoint := harness.NewReceiver(t)
	endpoint.Answer(func(_ int, d harness.Delivery) harness.Answer {
		if d.URI == "/bad" {
			return harness.Answer{Status: http.StatusBadGateway, Body: "upstream connect error"}
		}
		return harness.Answer{}
	})
	s.Admin.CreatePolicy(t, "views", harness.Policy{Name: "ci-builds", HookTypes: []string{"pushImage"}, Target: endpoint.URL + "/hooks/harbor", AuthHeader: "Bearer x", Format: "CloudEvents", Filters: []harness.Filter{{Kind: "repository", Value: "(api|web)"}}})
	second := s.Admin.CreatePolicy(t, "views", harness.Policy{Name: "deploy-staging", HookTypes: []string{"pushImage", "deleteImage", "scanningCompleted", "scanningFailed"}, Target: endpoint.URL + "/bad", Filters: []harness.Filter{{Kind: "tag", Value: []string{"stable", "latest"}}}})
	s.Admin.CreatePolicy(t, "views", harness.Policy{Name: `<script>alert("x")</script>`, HookTypes: []string{"uploadChart"}, Target: endpoint.URL})
	for _, tag := range []string{"stable", "latest", "pr-411"} {
		push(t, s, "views/api:"+tag)
		push(t, s, "views/web:"+tag)
	}
	jobs := s.Admin.FinalJobs(t, "views", 10, soon)
	failed := jobs[0]
	for _, j := range jobs {
		if j.Status == "error" {
			failed = j
		}
	}
	b := newBrowser(t, s)
	b.open("/sign-in")
	b.check("sign-in")
	b.shot("sign-in")
	b.signIn("admin", s.Password())
	views := []struct{ name, path string }{
		{"projects", "/projects"},
		{"policies", "/projects/views/webhooks"},
		{"new", "/projects/views/webhooks/new"},
		{"form", "/projects/views/webhooks/" + itoa(second)},
		{"delete", "/projects/views/webhooks/delete/" + itoa(second)},
		{"deliveries", "/projects/views/webhooks/deliveries?open=" + itoa(failed.ID)},
		{"list", "/projects/views/webhooks/deliveries"},
		{"delivery", "/projects/views/webhooks/deliveries/" + itoa(failed.ID)},
		{"search", "/projects/views/webhooks/deliveries?span=custom&from=x"},
		{"none", "/projects/views/webhooks/deliveries?tag=none"},
		{"members", "/projects/views/members"},
		{"users", "/users"},
		{"system", "/system"},
		{"password", "/password"},
		{"missing", "/projects/nothing"},
	}
	for _, look := range []struct {
		name, lang, theme string
		width             int64
	}{
		{"light", "en", "light", 1440}, {"dark", "en", "dark", 1440}, {"narrow", "en", "light", 420}, {"narrow-dark", "en", "dark", 320}, {"chinese", "zh-CN", "light", 1440},
	} {
		b.do(setCookie(b.url, "lang", look.lang), setCookie(b.url, "theme", look.theme))
		b.size(look.width, 1000)
		for _, view := range views {
			b.open(view.path)
			b.check(view.name + " " + look.name)
			b.shot(view.name + "-" + look.name)
		}
	}
	b.size(1440, 1000)
	b.do(setCookie(b.url, "lang", "en"), setCookie(b.url, "theme", "light"))
	b.open("/projects/views/webhooks")
	b.do(chromedp.Click("#action-webhook-" + itoa(second)))
	b.check("policies with a menu")
	b.shot("policies-menu")
	before := eval[string](b, "document.querySelector('#updated time').dateTime")
	b.until("document.querySelector('#updated time').dateTime !== '"+before+"'", "the list to be read again")
	if !eval[bool](b, "document.querySelector('.act .menu[open]') !== null") {
		t.Error("an open menu closed by itself")
	}
}
