package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// suggestion returns "; did you mean X?" for the known name nearest to a wrong
// one, and nothing if none is near enough to be what was meant. The prefix that
// all variables share does not count.
func suggestion(name string, known []string) string {
	name = strings.TrimPrefix(name, prefix)
	best, least := "", max(2, len(name)/4)+1
	for _, k := range known {
		if d := distance(name, strings.TrimPrefix(k, prefix)); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// distance is the number of letters to insert, remove or replace to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
