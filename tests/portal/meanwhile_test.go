package portal

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	cdp "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/harborhook/harborhook/tests/harness"
)

// poll makes the page ask for news at once, as when its tab is looked at again.
func (b *browser) poll() {
	b.t.Helper()
	b.do(chromedp.Evaluate("document.dispatchEvent(new Event('visibilitychange'))", nil))
}

// A policy that somebody else saves while its form is filled in.
func TestSomebodyElseWasFaster(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "faster")
	policy := harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: "http://127.0.0.1:1/hook"}
	id := s.Admin.CreatePolicy(t, "faster", policy)
	save := func(name string) {
		t.Helper()
		policy.Name = name
		if reply := s.Admin.Do(t, http.MethodPut, harness.Policies("faster")+"/"+itoa(id), policy); reply.Status != http.StatusOK {
			t.Fatalf("save as somebody else: %d: %s", reply.Status, reply.Body)
		}
	}
	edit := func(b *browser, name string) {
		t.Helper()
		b.open("/projects/faster/webhooks/" + itoa(id))
		b.do(chromedp.Evaluate("document.querySelector('#name').value = ''", nil))
		b.fill("#name", name)
		b.fill("#description", "what I typed")
		save("theirs of " + name)
		b.click("#edit-webhook-save")
		b.has("Changed by admin.")
		if got := eval[string](b, "document.querySelector('#name').value + ', ' + document.querySelector('#description').value"); got != name+", what I typed" {
			t.Errorf("what was typed became %q", got)
		}
	}
	b := newBrowser(t, s)
	b.signIn("faster-boss", password)
	edit(b, "one")
	b.until("document.activeElement.id === 'changed'", "the message in focus")
	b.check("changed meanwhile")
	b.shot("changed")
	b.click("#load-theirs")
	b.until("document.querySelector('#name').value === 'theirs of one' && document.querySelector('#description').value === ''", "what somebody else saved")

	edit(b, "two")
	save("theirs once more")
	b.do(chromedp.Evaluate("window.before = 1", nil))
	b.click("#save-mine") // which was offered over what was there before
	b.until("!window.before && document.querySelector('#changed')", "the choice once more")
	b.click("#save-mine")
	b.has("The webhook was saved.")
	b.has("two")
	if reply := s.Admin.Do(t, http.MethodGet, harness.Policies("faster")+"/"+itoa(id), nil); !strings.Contains(reply.Body, `"two"`) || !strings.Contains(reply.Body, "what I typed") {
		t.Errorf("stored %s", reply.Body)
	}
}

// The session ends while the page is open, and the reader comes back to it.
func TestALostSessionLeadsBack(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "lost")
	s.Admin.CreatePolicy(t, "lost", harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: harness.NewReceiver(t).URL})
	push(t, s, "lost/app:v1")
	s.Admin.FinalJobs(t, "lost", 1, soon)
	const page = "/projects/lost/webhooks/deliveries?span=7d"
	b := newBrowser(t, s)
	b.signIn("lost-boss", password)
	b.open(page)
	b.has("1 delivery")
	b.do(chromedp.Evaluate(`fetch('/sign-out', {method: 'POST', redirect: 'manual', body: new URLSearchParams({csrf: document.querySelector('[name=csrf]').value})}).then(() => true)`, nil,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	b.poll()
	b.until("location.pathname === '/sign-in' && document.querySelector('#username')", "the page to sign in")
	b.fill("#username", "lost-boss")
	b.fill("#password", password)
	b.click("#sign-in")
	b.until("location.pathname + location.search === '"+page+"'", "the page that was open")
}

// The server goes away and comes back while the page is open.
func TestTheServerIsAwayForAWhile(t *testing.T) {
	s := suite.NewStandalone(t, harness.Settings{})
	people(t, s, "away")
	s.Admin.CreatePolicy(t, "away", harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: harness.NewReceiver(t).URL})
	push(t, s, "away/app:v1")
	s.Admin.FinalJobs(t, "away", 1, soon)
	b := newBrowser(t, s)
	b.signIn("away-boss", password)
	b.open("/projects/away/webhooks/deliveries")
	b.has("app:v1")
	b.do(chromedp.Evaluate("window.kept = 1", nil))
	core := s.Process(s.Processes()[0])
	core.Stop()
	b.poll()
	b.has("Not updated since")
	b.has("app:v1")
	b.check("not updated")
	core.Start()
	push(t, s, "away/app:v2")
	b.poll()
	b.has("app:v2")
	b.until("!document.body.innerText.includes('Not updated since') && window.kept === 1", "the page up to date again, without a reload")
}

// An answer that comes after the answer to a later question is dropped.
func TestAnOldAnswerDoesNotCount(t *testing.T) {
	s := suite.Standalone(t)
	people(t, s, "old")
	endpoint, answers := harness.NewReceiver(t), make(chan struct{})
	endpoint.Answer(func(int, harness.Delivery) harness.Answer { return harness.Answer{After: answers} })
	s.Admin.CreatePolicy(t, "old", harness.Policy{Name: "ci", HookTypes: []string{"pushImage"}, Target: endpoint.URL})
	push(t, s, "old/app:v1")
	endpoint.Wait(t, 1, soon)
	b := newBrowser(t, s)
	b.signIn("old-boss", password)
	b.open("/projects/old/webhooks/deliveries")
	b.has("Running")
	b.do(chromedp.Evaluate(`
		const real = window.fetch
		window.fetch = async (...asked) => {
			const first = !window.holding
			window.holding = true
			const answer = await real(...asked), text = await answer.text()
			if (first) await new Promise((go) => { window.release = go })
			return { status: answer.status, url: answer.url, text: async () => text }
		}`, nil))
	b.poll()
	b.until("window.release", "an answer on its way")
	close(answers)
	s.Admin.FinalJobs(t, "old", 1, soon)
	b.poll()
	b.until("document.querySelector('#rows .st.ok')", "the delivery that succeeded")
	b.until("!document.querySelector('[aria-busy]')", "the end of the second question")
	b.do(chromedp.Evaluate("document.querySelector('#split').setAttribute('aria-busy', 'true'); window.release()", nil))
	b.until("!document.querySelector('[aria-busy]')", "the end of the first question")
	if eval[bool](b, "document.querySelector('#rows .st.run') !== null") {
		t.Error("an old answer was shown")
	}
}

// The command that is copied sends the same body, without what is secret.
func TestCopyAsCurl(t *testing.T) {
	harness.Require(t, "curl")
	s := suite.Standalone(t)
	people(t, s, "curl")
	endpoint := harness.NewReceiver(t)
	s.Admin.CreatePolicy(t, "curl", harness.Policy{Name: "it's", HookTypes: []string{"pushImage"}, Target: endpoint.URL + "/hook?token=s3cret&kind=x", AuthHeader: "Bearer hidden"})
	push(t, s, "curl/app:v1")
	s.Admin.FinalJobs(t, "curl", 1, soon)
	b := newBrowser(t, s)
	b.signIn("curl-boss", password)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		b.do(cdp.SetPermission(&cdp.PermissionDescriptor{Name: name}, cdp.PermissionSettingGranted).WithOrigin(b.url))
	}
	b.open("/projects/curl/webhooks/deliveries")
	b.click("#rows a.opens")
	b.click("[data-copy=curl]")
	b.until("document.querySelector('#copied').textContent === 'Copied.'", "the word that it is copied")
	var command string
	b.do(chromedp.Evaluate("navigator.clipboard.readText()", &command,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	for _, secret := range []string{"s3cret", "hidden", "Authorization"} {
		if strings.Contains(command, secret) {
			t.Errorf("the command has %q: %s", secret, command)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", command+" --silent --show-error --noproxy '*'").CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	got := endpoint.Wait(t, 2, soon)
	sent, again := got[0], got[1]
	if again.Method != sent.Method || !bytes.Equal(again.Body, sent.Body) || again.URI != "/hook?token=********&kind=********" {
		t.Errorf("the command sends %s %s %s, want %s %s", again.Method, again.URI, again.Body, sent.Method, sent.Body)
	}
	for name := range sent.Header {
		switch name {
		case "Authorization", "Accept-Encoding", "Content-Length":
		default:
			if again.Header.Get(name) != sent.Header.Get(name) {
				t.Errorf("the command sends %s: %q, want %q", name, again.Header.Get(name), sent.Header.Get(name))
			}
		}
	}
	if again.Header.Get("Authorization") != "" {
		t.Error("the command sends what is secret")
	}
}
