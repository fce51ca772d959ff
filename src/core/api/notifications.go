package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
)

// intakeDeadline leaves time to answer within the second that a registry waits.
const intakeDeadline = 900 * time.Millisecond

// Intake takes the registry's envelopes.
type Intake interface {
	// Envelope stores the events of a message before it returns, and says how many
	// it took and how many it left out. It fails with a *hook.InvalidError if the
	// message is not JSON; after any other error the sender should repeat it.
	Envelope(ctx context.Context, body []byte) (accepted, skipped int, err error)
}

// notify answers 200 once the events are stored, whatever single ones are worth:
// a registry repeats everything else, and sends nothing more meanwhile.
func (a *API) notify(c *call) error {
	return c.takeMessage(a.NotificationToken, func(ctx context.Context, body []byte) (map[string]int, error) {
		accepted, skipped, err := a.Intake.Envelope(ctx, body)
		return map[string]int{"accepted": accepted, "skipped": skipped}, err
	})
}

// takeMessage hands a message to take, which has intakeDeadline to store it, and
// answers what take says. The sender must show the token. It is told of its own
// mistakes, and to come again after any other error.
func (c *call) takeMessage(token string, take func(ctx context.Context, body []byte) (map[string]int, error)) error {
	if !authentic(c.r, token) {
		c.api.stranger(c.r, "events of a component are refused: its token is missing or wrong")
		c.w.Header().Set("WWW-Authenticate", `Bearer realm="harborhook"`)
		return auth.ErrUnauthenticated
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), intakeDeadline)
	defer cancel()
	answer, err := take(ctx, body)
	if invalid := (*hook.InvalidError)(nil); errors.As(err, &invalid) {
		return err
	}
	if err != nil {
		return unavailable(fmt.Errorf("take %d bytes of notifications: %w", len(body), err))
	}
	return c.json(answer)
}

// authentic says whether the request shows the bearer token. It compares in a
// time that does not depend on what was sent. An empty token lets everybody in.
func authentic(r *http.Request, want string) bool {
	if want == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	shown, wanted := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(shown[:], wanted[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// counted watches the answers that stall a registry for ever, and says so now
// and then.
func (a *API) counted(r *http.Request, status int) {
	if r.URL.Path != notificationPath || r.Method != http.MethodPost {
		return
	}
	if a.NotificationRefused != nil {
		a.NotificationRefused(status)
	}
	if count, ok := a.refusals.ask(); ok {
		a.Logger.LogAttrs(r.Context(), slog.LevelWarn, "notifications are refused: the registry repeats them for ever",
			slog.Int("status", status), slog.String("client", clientOf(r)), slog.Int("count", count))
	}
}
