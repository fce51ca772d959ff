package event

import (
	"context"
	"errors"

	"github.com/harborhook/harborhook/src/hook"
)

// NotificationHandler acts on what happened. Handle must be idempotent: a source
// repeats a notification until every handler has taken it. An error says that the
// notification was not taken and must come again.
type NotificationHandler interface {
	Handle(ctx context.Context, n hook.Notification) error
}

// Handler hands notifications to NotificationHandlers. It is itself one, and may
// be used by several goroutines at once.
type Handler struct {
	handlers []NotificationHandler
}

// NewHandler returns a Handler that serves the given ones in their order.
func NewHandler(handlers ...NotificationHandler) *Handler {
	return &Handler{handlers: handlers}
}

// Handle hands n to every handler, also when an earlier one failed, and returns
// their errors joined. After any error the source must be asked to repeat n.
func (h *Handler) Handle(ctx context.Context, n hook.Notification) error {
	var errs []error
	for _, handler := range h.handlers {
		errs = append(errs, handler.Handle(ctx, n))
	}
	return errors.Join(errs...)
}
