package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// row is one measure, with a cell for each shape.
type row struct {
	measure string
	cell    func(m measured) string
}

// writeReport writes Markdown that can be put into the documentation as it is.
func writeReport(w io.Writer, machine string, o options, version string, at time.Time, all []measured) {
	fmt.Fprintf(w, "Machine: %s. PostgreSQL with fsync and synchronous_commit on; all processes, load generator and sink on this machine.\n\n", machine)
	fmt.Fprintf(w, "Date: %s. %s. Command: `%s`.\n\n", at.Format(time.DateOnly), version, strings.Join(append([]string{"go run ./tests/bench"}, o.given...), " "))
	fmt.Fprint(w, "| measure |")
	for _, m := range all {
		fmt.Fprintf(w, " %s |", m.shape)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---:|", len(all)))
	for _, r := range rows(o, all) {
		fmt.Fprintf(w, "| %s |", r.measure)
		for _, m := range all {
			fmt.Fprintf(w, " %s |", r.cell(m))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\nIdle latency: production, from the start of the registry's POST, on a new connection as registries do;"+
		" standalone, from the start of the manifest PUT to its registry; to the arrival at the sink.\n")
	writeAsked(w, all)
	writeCompared(w, all)
}

// writeCompared says what part of the bare shape's rates production reaches, on the
// same machine in the same run.
func writeCompared(w io.Writer, all []measured) {
	at := func(s shape) int { return slices.IndexFunc(all, func(m measured) bool { return m.shape == s }) }
	of, to := at(production), at(barely)
	if of < 0 || to < 0 {
		return
	}
	fmt.Fprint(w, "\n| production, of what the bare shape comes to | % |\n|---|---:|\n")
	for i, r := range all[of].loads {
		if r.name == halfLoad {
			continue // offered at half of what was reached
		}
		bare := all[to].loads[i]
		share := perSecond(r.deliveries(), r.took) / perSecond(bare.deliveries(), bare.took)
		fmt.Fprintf(w, "| %s, deliveries/s | %.0f |\n", r.title, 100*share)
	}
}

func rows(o options, all []measured) []row {
	rows := []row{
		{fmt.Sprintf("idle latency, %d events %s apart: p50 / p95 / max, ms", o.idleEvents, o.idleGap), func(m measured) string {
			return ms(m.idle.percentile(50)) + " / " + ms(m.idle.percentile(95)) + " / " + ms(m.idle.max())
		}},
		{"its lost / twice", func(m measured) string { return fmt.Sprintf("%d / %d", m.idleWas.lost, m.idleWas.repeated) }},
	}
	for i := range all[0].loads {
		rows = append(rows, loadRows(all[0].loads[i].load, func(m measured) ran { return m.loads[i] })...)
	}
	rows = append(rows, row{"peak memory, MiB", func(m measured) string { return memoryCell(m.processes, m.peaks) }})
	for _, m := range all {
		if m.shape != barely {
			return append(rows, extraRows(m)...)
		}
	}
	return rows
}

// extraRows are those of what can be left out, and is of the bare shape.
func extraRows(first measured) (rows []row) {
	if first.history != nil {
		rows = append(rows, historyRows(*first.history)...)
	}
	if first.waiting != nil {
		rows = append(rows, waitingRows(*first.waiting)...)
	}
	if first.neighbours != nil {
		rows = append(rows, neighbourRows(*first.neighbours)...)
	}
	for i, r := range rows {
		rows[i].cell = func(m measured) string {
			if m.shape == barely {
				return ""
			}
			return r.cell(m)
		}
	}
	return rows
}

// loadRows are the rows of one load.
func loadRows(l load, of func(measured) ran) []row {
	title := fmt.Sprintf("**%s events, %s, %s**", thousands(l.events), count(l.policies, "policy", "policies"), count(l.senders, "sender", "senders"))
	if l.connections == 0 {
		title += ", a connection for each event"
	}
	if l.beside != "" {
		title += ", " + l.beside
	}
	head := row{title + ": deliveries/s", func(m measured) string {
		return "**" + thousands(int(perSecond(of(m).deliveries(), of(m).took))) + "**"
	}}
	if l.name == halfLoad {
		head = row{fmt.Sprintf("**half load**, %s events: offered, events/s", thousands(l.events)), func(m measured) string {
			return thousands(int(of(m).rate))
		}}
	}
	return []row{
		head,
		{"– until the last arrival, s", func(m measured) string { return fmt.Sprintf("%.2f", of(m).took.Seconds()) }},
		{"– accept latency p50 / p99, ms", func(m measured) string {
			return ms(of(m).accept.percentile(50)) + " / " + ms(of(m).accept.percentile(99))
		}},
		{"– CPU seconds per 1,000 deliveries", func(m measured) string { return cpuCell(of(m), m.processes) }},
		{"– CPU taken by others meanwhile, %", func(m measured) string { return fmt.Sprintf("%.0f", of(m).others*100) }},
		faultsRow(of),
	}
}

func faultsRow(of func(measured) ran) row {
	return row{"– lost / twice / refused / not recorded", func(m measured) string {
		r := of(m)
		return fmt.Sprintf("%d / %d / %d / %d", r.lost, r.repeated, r.refused, r.unfinished)
	}}
}

// cpuCell tells the sum, harborhook's own part and that of each process.
func cpuCell(r ran, processes []string) string {
	per := func(d time.Duration) float64 { return d.Seconds() / float64(r.deliveries()) * 1000 }
	var all, own time.Duration
	var parts []string
	for i, used := range r.cpu {
		all += used
		if isOwn(processes[i]) {
			own += used
		}
		parts = append(parts, fmt.Sprintf("%s %.2f", processes[i], per(used)))
	}
	if len(parts) == 1 {
		return fmt.Sprintf("%.2f", per(all))
	}
	return fmt.Sprintf("%.2f, harborhook %.2f (%s)", per(all), per(own), strings.Join(parts, ", "))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond)) }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
