package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/tests/harness"
)

// The trace that the registry's request belongs to.
const (
	registryTrace = "0af7651916cd43dd8448eb211c80319c"
	registrySpan  = "b7ad6b7169203331"
)

func tracing(url string) harness.Settings {
	return harness.Settings{
		"TRACING": "otlp", "LOG_FORMAT": "json", "RETRY_BACKOFF": "200ms,300ms,400ms", "DELIVERY_TIMEOUT": "2s",
		"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "100",
	}
}

// tree says of each span of a trace, but for repetitions, whose child it is. Of a
// notification that a busy machine answered with 503, nothing may be submitted.
func tree(spans []harness.Span) []string {
	names := map[string]string{registrySpan: "the registry", "": "nothing"}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	lines := map[string]bool{}
	for _, s := range spans {
		lines[s.Service+": "+s.Name+" < "+names[s.Parent]] = true
		if s.Name == "accept" && s.Failed {
			lines[s.Service+": submit < accept"] = true
		}
	}
	return slices.Sorted(maps.Keys(lines))
}

// expected is the tree of a delivery that a parent brought.
func expected(s *harness.System, parent string) []string {
	core, jobService := "harborhook-core: ", "harborhook-jobservice: "
	if s.Shape == harness.Standalone {
		core, jobService = "harborhook: ", "harborhook: "
	}
	return slices.Sorted(slices.Values([]string{
		core + "receive < " + parent, core + "match < receive", core + "accept < receive", core + "submit < accept",
		jobService + "queue < accept", jobService + "attempt < accept", jobService + "record < attempt",
	}))
}

// traceOf waits until the collector has so many records of attempts of a trace, and
// returns its spans.
func traceOf(t *testing.T, c *harness.Collector, records int, of func(harness.Span) bool) []harness.Span {
	t.Helper()
	var spans []harness.Span
	harness.Eventually(t, soon, "a whole trace", func() bool {
		spans = slices.DeleteFunc(c.Spans(), func(s harness.Span) bool { return !of(s) })
		n, submitted, received := 0, false, false
		for _, s := range spans {
			if s.Name == "record" {
				n++
			}
			// What was committed although Core gave up waiting is found by the reconciler.
			submitted = submitted || s.Name == "submit" || s.Name == "accept" && s.Failed
			received = received || s.Name == "receive"
		}
		return n >= records && submitted && received
	})
	return spans
}

func named(spans []harness.Span, name string) []harness.Span {
	found := slices.DeleteFunc(slices.Clone(spans), func(s harness.Span) bool { return s.Name != name })
	slices.SortFunc(found, func(a, b harness.Span) int { return a.Start.Compare(b.Start) })
	return found
}

func TestAPushIsOneTraceThroughARetryAndARedelivery(t *testing.T) {
	collector := harness.NewCollector(t)
	eachOwn(t, tracing(collector.URL), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.Admin.CreatePolicy(t, c.project, harness.Policy{Name: "traced", HookTypes: []string{"pushImage"}, Target: c.receiver.URL + "/hook?token=s3cret-of-the-target"})
		end := make(chan struct{})
		t.Cleanup(func() { close(end) })
		c.receiver.Answer(func(n int, _ harness.Delivery) harness.Answer {
			if n == 1 {
				return harness.Answer{After: end} // it does not answer in time
			}
			return harness.Answer{}
		})
		id := registryTrace[:31] + map[string]string{harness.Standalone: "1", harness.Production: "2"}[s.Shape]
		c.MustNotifyWith(t, "traceparent", "00-"+id+"-"+registrySpan+"-01", harness.NewPush(c.project+"/app", "v1"))
		jobs := c.Admin.FinalJobs(t, c.project, 1, soon)
		inTrace := func(s harness.Span) bool { return s.Trace == id }
		spans := traceOf(t, collector, 2, inTrace)
		if diff := cmp.Diff(expected(s, "the registry"), tree(spans)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		attempts, sent := named(spans, "attempt"), c.receiver.Got()
		if len(attempts) != len(sent) || len(sent) != 2 {
			t.Fatalf("%d spans of %d attempts", len(attempts), len(sent))
		}
		for i, a := range attempts {
			if got, want := sent[i].Header.Get("Traceparent"), "00-"+id+"-"+a.ID+"-01"; got != want {
				t.Errorf("attempt %d was sent with %s, want %s", i+1, got, want)
			}
			if got := a.Attributes["url.full"]; strings.Contains(got, "s3cret") || !strings.HasPrefix(got, c.receiver.URL+"/hook?") {
				t.Errorf("url.full is %s", got)
			}
		}
		if first, second := attempts[0], attempts[1]; !first.Failed || first.Attributes["error.type"] != "timeout" ||
			second.Failed || second.Attributes["http.response.status_code"] != "200" || second.Attributes["http.request.resend_count"] != "1" {
			t.Errorf("the attempts are %+v", attempts)
		}
		if records := named(spans, "record"); records[0].Attributes["harborhook.job.status"] != "scheduled" || records[1].Attributes["harborhook.job.status"] != "finished" {
			t.Errorf("the records are %+v", records)
		}
		log := ""
		for _, name := range s.Processes() {
			log += s.Process(name).Log()
		}
		for line, n := range map[string]int{`"msg":"event"`: 1, `"msg":"attempt"`: 2} {
			if got := len(slices.DeleteFunc(strings.Split(log, "\n"), func(l string) bool {
				return !strings.Contains(l, line) || !strings.Contains(l, `"trace":"`+id+`"`)
			})); got != n {
				t.Errorf("%d lines %s name the trace, want %d", got, line, n)
			}
		}

		c.Admin.Do(t, http.MethodPost, fmt.Sprintf("%s/%d/redeliver", harness.JobsOf(c.project), jobs[0].ID), nil)
		again := c.receiver.Wait(t, 3, soon)[2]
		spans = traceOf(t, collector, 3, inTrace)
		if third := named(spans, "attempt")[2]; again.Header.Get("Traceparent") != "00-"+id+"-"+third.ID+"-01" || third.Parent != attempts[0].Parent {
			t.Errorf("repeated as %+v, sent with %s", third, again.Header.Get("Traceparent"))
		}
		if s.Shape == harness.Standalone {
			pushedTrace(t, c, collector)
		}
	})
}

// pushedTrace pushes to the registry in the process: that begins a trace.
func pushedTrace(t *testing.T, c *scene, collector *harness.Collector) {
	t.Helper()
	before := len(c.receiver.Got())
	c.Push(t, c.project+"/pushed:v1", harness.Image(t, harness.Formats()[0], "amd64"))
	header := c.receiver.Wait(t, before+1, soon)[before].Header.Get("Traceparent")
	fields := strings.Split(header, "-")
	if len(fields) != 4 {
		t.Fatalf("sent with %q", header)
	}
	spans := traceOf(t, collector, 1, func(s harness.Span) bool { return s.Trace == fields[1] })
	if diff := cmp.Diff(expected(c.System, "nothing"), tree(spans)); diff != "" {
		t.Errorf("spans of a push (-want +got):\n%s", diff)
	}
}

func TestWithoutTracingNothingIsSent(t *testing.T) {
	collector := harness.NewCollector(t)
	settings := tracing(collector.URL)
	delete(settings, "TRACING")
	eachOwn(t, settings, func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		c.MustNotifyWith(t, "traceparent", "00-"+registryTrace+"-"+registrySpan+"-01", harness.NewPush(c.project+"/app", "v1"))
		if got := c.receiver.Wait(t, 1, soon)[0].Header.Get("Traceparent"); got != "" {
			t.Errorf("the target is told of the trace %s", got)
		}
		c.Admin.FinalJobs(t, c.project, 1, soon)
		for _, name := range s.Processes() {
			s.Process(name).Stop()
			if strings.Contains(s.Process(name).Log(), `"trace"`) {
				t.Errorf("%s logs traces", name)
			}
		}
		if spans := collector.Spans(); len(spans) > 0 {
			t.Errorf("%d spans were sent", len(spans))
		}
	})
}

func TestACollectorThatDoesNotAnswerDelaysNothing(t *testing.T) {
	end := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	t.Cleanup(func() {
		close(end)
		silent.Close()
	})
	eachOwn(t, tracing(silent.URL), func(t *testing.T, s *harness.System) {
		c := newScene(t, s)
		c.policy(t, "pushImage")
		const events = 50
		for _, e := range pushes(c.project, events) {
			c.MustNotify(t, e)
		}
		c.receiver.Wait(t, events, soon)
		c.Admin.FinalJobs(t, c.project, events, soon)
		for _, name := range s.Processes() {
			began := time.Now()
			s.Process(name).Stop()
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("%s took %v to stop", name, took)
			}
		}
	})
}
