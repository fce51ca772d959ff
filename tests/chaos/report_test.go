package chaos

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// report is the table.
type report struct {
	mu   sync.Mutex
	rows []row
}

// row is what one scenario found.
type row struct {
	promise             int
	name, shape, faults string
	outcome
	recovery time.Duration
}

func (r row) String() string {
	return fmt.Sprintf("| G%d | %s | %s | %s | %d | %d | %d | %d | %s |\n", r.promise, r.name, r.shape, r.faults,
		r.accepted, r.refused, r.lost, r.twice, r.recovery.Round(100*time.Millisecond))
}

func (r *report) add(found row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, found)
}

func (r *report) print(out io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return
	}
	slices.SortStableFunc(r.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.promise, b.promise), cmp.Compare(a.name, b.name), -cmp.Compare(a.shape, b.shape))
	})
	text := ""
	for _, row := range r.rows {
		text += row.String()
	}
	fmt.Fprintf(out, `
| promise | scenario | shape | faults | accepted | refused, then repeated | lost | twice | until all were final |
|---|---|---|---|---:|---:|---:|---:|---:|
%s`, text)
}
