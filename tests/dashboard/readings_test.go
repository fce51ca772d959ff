package dashboard

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// columns are the panels of the documented table, and how each is read.
func (p *prometheus) readings(shown panels) []string {
	p.t.Helper()
	waiting := shown.query(p.t, "Waiting now", "waiting")
	oldest := shown.query(p.t, "Oldest due now", "oldest")
	return []string{
		p.nonZero(shown.query(p.t, "Refused, by status", "{{status}}"), "status"),
		p.down(shown.query(p.t, "Dependencies now", "{{dependency}}")),
		p.trend(waiting, 50),
		p.trend(oldest, 30),
		p.count(shown.query(p.t, "Silent endpoints now", "open")),
		p.nonZero(shown.query(p.t, "Attempts, by result", "{{result}}"), "result"),
		p.busy(shown.query(p.t, "Workers", "busy"), shown.query(p.t, "Workers", "for slow endpoints")),
	}
}

// nonZero names the lines of a panel that are above 0 most of its last half hour: a
// machine that is busy with other things may be slow now and then.
func (p *prometheus) nonZero(query, label string) string {
	var names []string
	for _, series := range p.over(query, 30*time.Minute) {
		above := 0
		for _, point := range series.Floats {
			if point.F > 0 {
				above++
			}
		}
		if above > int(30*time.Minute/step)/2 {
			names = append(names, series.Metric.Get(label))
		}
	}
	slices.Sort(names)
	return or(strings.Join(names, ", "), "none")
}

// down names what is 0.
func (p *prometheus) down(query string) string {
	var names []string
	for _, series := range p.over(query, 0) {
		if series.Floats[0].F == 0 {
			names = append(names, series.Metric.Get("dependency"))
		}
	}
	slices.Sort(names)
	return or(strings.Join(names, ", "), "up")
}

// trend says where a number goes, which is small up to a limit.
func (p *prometheus) trend(query string, small float64) string {
	now, before := p.last(query), p.ago(query, 20*time.Minute)
	switch {
	case len(now) == 0:
		return "no data"
	case now[0] <= small:
		return "small"
	case len(before) == 1 && now[0] > before[0]:
		return "grows"
	}
	return "large"
}

func (p *prometheus) count(query string) string {
	now := p.last(query)
	if len(now) == 0 {
		return "no data"
	}
	return fmt.Sprint(now[0])
}

// busy says whether most of the workers that slow endpoints get have been at work in
// the last half hour.
func (p *prometheus) busy(busy, get string) string {
	p.t.Helper()
	at, most := 0.0, p.last(get)
	series := p.over(busy, 30*time.Minute)
	if len(series) == 0 || len(most) == 0 {
		return "no data"
	}
	for _, point := range series[0].Floats {
		at += point.F
	}
	if at/float64(len(series[0].Floats)) > most[0]/2 {
		return "busy"
	}
	return "free"
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
