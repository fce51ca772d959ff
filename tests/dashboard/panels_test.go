package dashboard

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// panels are the queries of the dashboard, by the titles of its panels and their
// legends.
type panels map[string]map[string]string

func readPanels(t *testing.T) panels {
	t.Helper()
	text, err := os.ReadFile("../../make/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	// What Grafana puts in for All, and for scrapes every 15 s.
	filled := strings.NewReplacer("$job", ".+", "$__rate_interval", "1m")
	all := panels{}
	for _, panel := range file.Panels {
		if panel.Type == "row" {
			continue
		}
		title := panel.Title
		if panel.Type == "stat" {
			title += " now"
		}
		all[title] = map[string]string{}
		for _, target := range panel.Targets {
			query := filled.Replace(target.Expr)
			if err := parses(query); err != nil {
				t.Errorf("panel %s: %v", panel.Title, err)
			}
			all[title][target.LegendFormat] = query
		}
	}
	return all
}

// query returns a query of a panel.
func (p panels) query(t *testing.T, panel, legend string) string {
	t.Helper()
	query, ok := p[panel][legend]
	if !ok {
		t.Fatalf("the dashboard has no %s in its panel %s", legend, panel)
	}
	return query
}

// alert is a rule of make/prometheus/alerts.yml.
type alert struct {
	Alert string
	Expr  string
	For   string
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	text, err := os.ReadFile("../../make/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	rules := file.Groups[0].Rules
	for _, rule := range rules {
		if err := parses(rule.Expr); err != nil {
			t.Errorf("%s: %v", rule.Alert, err)
		}
	}
	return rules
}

// firing returns the alerts that would fire now: whose expression has had a result at
// each evaluation for as long as they want.
func (p *prometheus) firing(rules []alert) []string {
	p.t.Helper()
	var names []string
	for _, rule := range rules {
		var span time.Duration
		if rule.For != "" {
			var err error
			if span, err = time.ParseDuration(rule.For); err != nil {
				p.t.Fatal(err)
			}
		}
		for _, series := range p.over(rule.Expr, span) {
			if len(series.Floats) == int(span/step)+1 {
				names = append(names, strings.TrimPrefix(rule.Alert, "Harborhook"))
				break
			}
		}
	}
	slices.Sort(names)
	return names
}
