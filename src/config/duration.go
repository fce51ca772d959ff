package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// MaxRetries is the largest number of waits in Waits: the mission's rule is
// three repetitions at most.
const MaxRetries = 3

// ParseDuration reads a duration that is not negative, in Go's notation, with
// days before the rest if there are any: "30d", "1d12h", "1m30s", "250ms".
func ParseDuration(text string) (time.Duration, error) {
	problem := wrong("%q is not a duration", text).want("a duration such as 250ms, 10s, 2h or 30d")
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > uint64(math.MaxInt64/day) {
		return 0, problem
	}
	d := time.Duration(n) * day
	if rest == "" {
		if !found {
			return 0, problem
		}
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || strings.ContainsAny(rest, "+-") || more > math.MaxInt64-d {
		return 0, problem
	}
	return d + more, nil
}

// formatDuration writes what ParseDuration reads, as short as a person would:
// "30d", "2m", "1m30s".
func formatDuration(d time.Duration) string {
	text := ""
	if d >= day {
		text = strconv.FormatInt(int64(d/day), 10) + "d"
		if d %= day; d == 0 {
			return text
		}
	}
	rest := d.String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return text + rest
}

// Waits are the waits before each repetition of a delivery: as many as there
// are repetitions, MaxRetries at most.
type Waits []time.Duration

// UnmarshalText reads a comma list of durations; an empty text is no wait.
func (w *Waits) UnmarshalText(text []byte) error {
	items := list(string(text))
	if len(items) > MaxRetries {
		return wrong("%d waits", len(items)).want("%d at most, for example 5s,30s,120s", MaxRetries)
	}
	waits := make(Waits, len(items))
	for i, item := range items {
		d, err := ParseDuration(item)
		if err != nil {
			return err
		}
		waits[i] = d
	}
	*w = waits
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (w Waits) MarshalText() ([]byte, error) {
	items := make([]string, len(w))
	for i, d := range w {
		items[i] = formatDuration(d)
	}
	return []byte(strings.Join(items, ",")), nil
}

// list splits a comma list and trims its items. An empty text has none.
func list(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}
