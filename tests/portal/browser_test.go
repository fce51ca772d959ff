package portal

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/harborhook/harborhook/tests/harness"
)

var suite harness.Suite

func TestMain(m *testing.M) { os.Exit(suite.Run(m)) }

// soon bounds every wait for a page.
const soon = 30 * time.Second

// browser is one tab of a browser of its own, signed in as nobody.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string

	mu sync.Mutex
	// faults are what the console reports, such as violations of the security policy.
	faults []string
	// asked are the hosts that the browser asked.
	asked map[string]bool
}

func newBrowser(t *testing.T, s *harness.System) *browser {
	t.Helper()
	harness.Require(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.ExecPath("chromium"), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-features", "site-per-process,Translate,BackForwardCache"), chromedp.Flag("lang", "en-US"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		stopping, cancel := context.WithTimeout(ctx, soon)
		defer cancel()
		if err := chromedp.Cancel(stopping); err != nil { // waits until the browser has gone
			t.Logf("the browser did not go: %v", err)
		}
		stopTab()
	})
	b := &browser{t: t, ctx: ctx, url: s.CoreURL, asked: map[string]bool{}}
	chromedp.ListenTarget(ctx, b.listen)
	b.do(log.Enable(), emulation.SetTimezoneOverride("UTC"))
	b.size(1440, 900)
	return b
}

func (b *browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "Failed to load resource") {
			b.faults = append(b.faults, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, e.ExceptionDetails.Error())
	case *network.EventRequestWillBeSent:
		b.asked[strings.SplitN(strings.TrimPrefix(e.Request.URL, "http://"), "/", 2)[0]] = true
	}
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, soon)
	defer cancel()
	// The first call starts the browser, which must outlive the call.
	if chromedp.FromContext(b.ctx).Target == nil {
		ctx = b.ctx
	}
	if err := chromedp.Run(ctx, actions...); err != nil {
		var at string
		_ = chromedp.Run(b.ctx, chromedp.Location(&at))
		b.shot("failure")
		b.t.Fatalf("at %s: %v", at, err)
	}
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	b.do(emulation.SetDeviceMetricsOverride(width, height, 1, false))
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitReady("#main"))
}

// eval returns what a script says.
func eval[V any](b *browser, script string) V {
	b.t.Helper()
	var value V
	b.do(chromedp.Evaluate(script, &value))
	return value
}

// has waits until the page's text contains this.
func (b *browser) has(text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.until("document.body.innerText.includes("+string(quoted)+")", "the text "+text)
}

func (b *browser) until(script, what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, soon)
	defer cancel()
	err := chromedp.Run(ctx, chromedp.Poll(script, nil))
	for err != nil && ctx.Err() == nil { // the page changed under the question
		err = chromedp.Run(ctx, chromedp.WaitReady("#main"), chromedp.Poll(script, nil))
	}
	if err != nil {
		b.shot("failure")
		text := eval[string](b, "document.body.innerText")
		b.t.Fatalf("still waiting for %s: %v\n%s", what, err, text)
	}
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

func (b *browser) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// tick turns a checkbox or radio button with the keyboard, since something may
// stand over it.
func (b *browser) tick(selector string) {
	b.t.Helper()
	b.do(chromedp.SendKeys(selector, " ", chromedp.ByQuery))
}

func (b *browser) signIn(username, password string) {
	b.t.Helper()
	b.open("/sign-in")
	b.fill("#username", username)
	b.fill("#password", password)
	b.click("#sign-in")
	b.until("location.pathname !== '/sign-in'", "the page after signing in")
}

// check wants a page without overflow, without a complaint of the browser, and
// without a violation that axe finds.
func (b *browser) check(what string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(axe(b.t)+";0", nil))
	var found string
	b.do(chromedp.Evaluate(`axe.run(document, {resultTypes: ['violations']}).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join('; '))))`, &found,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	if found != "[]" {
		b.t.Errorf("%s: axe finds %s", what, found)
	}
	if wide := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
		b.t.Errorf("%s: the page is %d pixels too wide", what, wide)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, fault := range b.faults {
		b.t.Errorf("%s: the browser reports %s", what, fault)
	}
	b.faults = nil
	for host := range b.asked {
		if host != strings.TrimPrefix(b.url, "http://") && !strings.HasPrefix(host, "data:") {
			b.t.Errorf("%s: the browser asked %s", what, host)
		}
	}
}

// shot keeps a picture of the page in the folder PORTAL_PICTURES, if it is set.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("PORTAL_PICTURES")
	if dir == "" {
		return
	}
	var png []byte
	if err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().Do(ctx)
		return err
	})); err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Error(err)
	}
}

// The release of axe-core that judges the pages, and its hash as npm tells it.
const (
	axeURL  = "https://registry.npmjs.org/axe-core/-/axe-core-4.10.2.tgz"
	axeHash = "RE3mdQ7P3FRSe7eqCWoeQ/Z9QXrtniSjp1wUjt5nRC3WIpz5rSCve6o3fsZ2aCpJtrZjSZgjwXAoTO5k4tEI0w=="
)

var fetchAxe = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, axeURL, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	packed, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != axeHash {
		return "", fmt.Errorf("%s is not what it was", axeURL)
	}
	return unpack(string(packed), "package/axe.min.js")
})

func unpack(packed, wanted string) (string, error) {
	plain, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		return "", err
	}
	for files := tar.NewReader(plain); ; {
		header, err := files.Next()
		if err != nil {
			return "", errors.Join(errors.New(wanted+" is missing"), err)
		}
		if header.Name == wanted {
			text, err := io.ReadAll(files)
			return string(text), err
		}
	}
}

func axe(t *testing.T) string {
	t.Helper()
	script, err := fetchAxe()
	if err != nil {
		t.Fatalf("get axe-core: %v", err)
	}
	return script
}
