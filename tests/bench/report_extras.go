package main

import (
	"fmt"
	"strings"
	"time"
)

// historyRows are the rows of the comparison with full tables.
func historyRows(h historyRan) []row {
	rows := loadRows(h.empty.load, func(m measured) ran { return m.history.empty })
	rows = append(rows, loadRows(h.full.load, func(m measured) ran { return m.history.full })...)
	return append(rows, row{"– compared with empty tables, %", func(m measured) string {
		return fmt.Sprintf("**%.0f**", 100*m.history.share())
	}}, row{"– the tables were filled within, s", func(m measured) string {
		return fmt.Sprintf("%.0f", m.history.filled.Seconds())
	}})
}

// waitingRows are the rows of the deliveries that wait.
func waitingRows(w waitingRan) []row {
	title := fmt.Sprintf("**%s deliveries wait** for %d endpoints", thousands(w.deliveries()), w.policies)
	return []row{
		{title + ": peak memory of harborhook, MiB", func(m measured) string {
			return "**" + mib(ownSum(m.processes, m.waiting.drained)) + "**"
		}},
		{"– each process while they wait, MiB", func(m measured) string { return memoryCell(m.processes, m.waiting.held) }},
		{"– each process until they are delivered, MiB", func(m measured) string { return memoryCell(m.processes, m.waiting.drained) }},
		{"– waiting, says the API", func(m measured) string { return thousands(m.waiting.waited) }},
		{"– the endpoints are back: first / 99 % / last arrival, s", func(m measured) string {
			return fmt.Sprintf("%.1f / %.1f / %.1f", m.waiting.first.Seconds(), m.waiting.most.Seconds(), m.waiting.all.Seconds())
		}},
		{"– from the first arrival to 99 %, deliveries/s", func(m measured) string { return thousands(int(m.waiting.drainRate())) }},
		faultsRow(func(m measured) ran { return m.waiting.ran }),
	}
}

// neighbourRows are the rows of the fast endpoint beside others.
func neighbourRows(n neighboursRan) []row {
	var rows []row
	for i, f := range n.fast {
		title := fmt.Sprintf("**a fast endpoint %s**, %s events, %.0f/s: event to arrival p50 / p99, ms", f.title, thousands(f.events), f.rate)
		rows = append(rows, row{title, func(m measured) string {
			arrivals := m.neighbours.fast[i].arrivals
			return ms(arrivals.percentile(50)) + " / " + ms(arrivals.percentile(99))
		}}, row{"– CPU taken by others meanwhile, %", func(m measured) string {
			return fmt.Sprintf("%.0f", m.neighbours.fast[i].others*100)
		}}, faultsRow(func(m measured) ran { return m.neighbours.fast[i].ran }))
	}
	return rows
}

// memoryCell tells the memory of each process.
func memoryCell(processes []string, memory []int64) string {
	parts := make([]string, len(memory))
	for i, bytes := range memory {
		parts[i] = processes[i] + " " + mib(bytes)
	}
	return strings.Join(parts, ", ")
}

// isOwn says whether a process is harborhook, and not what it needs.
func isOwn(process string) bool { return process != "PostgreSQL" && process != "Redis" }

// ownSum is the sum of what the processes of harborhook have.
func ownSum(processes []string, values []int64) (sum int64) {
	for i, value := range values {
		if isOwn(processes[i]) {
			sum += value
		}
	}
	return sum
}

func mib(bytes int64) string { return fmt.Sprintf("%.0f", float64(bytes)/(1<<20)) }

// millis is a duration as a number.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
