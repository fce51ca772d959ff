package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/hook"
)

func TestEventsAreRefusedWhileTooManyDeliveriesWait(t *testing.T) {
	t.Parallel()
	waiting, broken := 0, error(nil)
	g := &gate{limit: 10, log: slog.New(slog.DiscardHandler), begin: func(ctx context.Context, source string) (context.Context, func(error)) {
		return begin(ctx, source, newMetrics(config.Standalone, "test"), Options{})
	}, waiting: func(_ context.Context, most int) (int, error) {
		return min(waiting, most), broken
	}}
	cases := []struct {
		name    string
		waiting int
		broken  error
		refused bool
	}{
		{"as many as allowed", 10, nil, false},
		{"one more", 11, nil, true},
		{"nobody knows: as before", 0, errors.New("database is away"), true},
		{"as many as allowed again", 10, nil, false},
	}
	for _, c := range cases {
		waiting, broken = c.waiting, c.broken
		g.look(t.Context())
		if _, _, err := g.Envelope(t.Context(), []byte("{")); errors.Is(err, hook.ErrUnavailable) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
