package packaging

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// served is what a running program shows: the labels of each metric, by its name.
type served map[string][]string

// scrape reads /metrics of a standalone system, which has all metrics there are.
func scrape(t *testing.T) served {
	t.Helper()
	resp, err := http.Get(standalone(t) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	all := served{}
	for line := range strings.Lines(string(body)) {
		name, labels := split(line)
		if name != "" {
			all[name] = append(all[name], labels...)
		}
	}
	return all
}

var (
	series = regexp.MustCompile(`^([a-z_][a-z0-9_]*)(?:\{(.*)\})? `)
	label  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
)

func split(line string) (name string, labels []string) {
	m := series.FindStringSubmatch(line)
	if m == nil {
		return "", nil
	}
	for _, l := range label.FindAllStringSubmatch(m[2], -1) {
		labels = append(labels, l[1])
	}
	return m[1], labels
}

// check says what an expression asks for that is not served. Prometheus adds job
// and instance.
func (s served) check(expression string) (wrong []string, metrics int) {
	strung := regexp.MustCompile(`"[^"]*"`)
	for _, m := range regexp.MustCompile(`\b((?:harborhook|process|go)_[a-z0-9_]+)(?:\{([^}]*)\})?`).FindAllStringSubmatch(expression, -1) {
		metrics++
		labels, ok := s[m[1]]
		if !ok {
			wrong = append(wrong, "no metric "+m[1])
		}
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "job" && l[1] != "instance" && !slices.Contains(labels, l[1]) {
				wrong = append(wrong, m[1]+" has no label "+l[1])
			}
		}
	}
	for _, by := range regexp.MustCompile(`\bby \(([^)]*)\)\s*\(`).FindAllStringSubmatch(strung.ReplaceAllString(expression, ""), -1) {
		for _, l := range strings.Split(by[1], ",") {
			if l = strings.TrimSpace(l); l != "instance" && !s.labelled(expression, l) {
				wrong = append(wrong, "nothing has the label "+l)
			}
		}
	}
	return wrong, metrics
}

// labelled says whether a metric of the expression has the label.
func (s served) labelled(expression, name string) bool {
	for metric, labels := range s {
		if strings.Contains(expression, metric) && slices.Contains(labels, name) {
			return true
		}
	}
	return false
}

func TestAlertsAndDashboardAskForWhatIsServed(t *testing.T) {
	t.Parallel()
	shown := scrape(t)
	asked := map[string]string{}
	for _, group := range documents(t, "make/prometheus/alerts.yml") {
		rules, _ := at(group, "groups", 0, "rules").([]any)
		for _, rule := range rules {
			name, _ := at(rule, "alert").(string)
			asked["alert "+name], _ = at(rule, "expr").(string)
			if !strings.Contains(text(t, "docs/operations.md"), "### "+name+"\n") {
				t.Errorf("docs/operations.md does not say what to do about %s", name)
			}
			if at(rule, "annotations", "summary") == nil || at(rule, "labels", "severity") == nil {
				t.Errorf("%s has no summary or severity", name)
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text(t, "make/grafana/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			asked["panel "+panel.Title+": "+target.Expr] = target.Expr
		}
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %s shows nothing", panel.Title)
		}
	}
	if len(asked) < 30 {
		t.Errorf("only %d expressions were found", len(asked))
	}
	everything := ""
	for where, expression := range asked {
		wrong, metrics := shown.check(expression)
		for _, w := range wrong {
			t.Errorf("%s: %s", where, w)
		}
		if metrics == 0 {
			t.Errorf("%s asks for nothing: %s", where, expression)
		}
		everything += expression + "\n"
	}
	// And the other way: nobody should serve what nobody looks at.
	for name := range shown {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "harborhook_") && !strings.Contains(everything, base) && name != "harborhook_registry_pulls_lost_total" && name != "harborhook_database_waits_total" {
			t.Errorf("%s is in no alert and no panel", name)
		}
	}
}

// What the scanner of expressions must find.
func TestTheScannerFindsMistakes(t *testing.T) {
	t.Parallel()
	shown := served{"harborhook_jobs": {"status"}, "harborhook_workers": nil}
	for expression, want := range map[string]string{
		`max(harborhook_jobs{status="pending",job="x"}) > 3`: "",
		`sum(rate(harborhook_job[5m]))`:                      "no metric harborhook_job",
		`max(harborhook_jobs{state=~"a|b"})`:                 "harborhook_jobs has no label state",
		`sum by (status) (harborhook_workers)`:               "nothing has the label status",
		`sum by (instance, status) (harborhook_jobs)`:        "",
	} {
		if wrong, _ := shown.check(expression); strings.Join(wrong, "; ") != want {
			t.Errorf("%s: %q, want %q", expression, wrong, want)
		}
	}
}
