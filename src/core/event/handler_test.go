package event_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

// recorder notes which events it was handed, under its name, and fails with err.
type recorder struct {
	name string
	log  *[]string
	err  error
}

func (r recorder) Handle(_ context.Context, n hook.Notification) error {
	for _, e := range n.Events {
		*r.log = append(*r.log, r.name+" "+e.ID)
	}
	return r.err
}

func TestEveryHandlerGetsEveryNotificationInOrder(t *testing.T) {
	t.Parallel()
	var log []string
	h := event.NewHandler(recorder{name: "first", log: &log}, recorder{name: "second", log: &log})
	for _, id := range []string{"1", "2"} {
		if err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{{ID: id}}}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"first 1", "second 1", "first 2", "second 2"}
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("handed over (-want +got):\n%s", diff)
	}
}

func TestOneFailureDoesNotKeepTheNotificationFromOthers(t *testing.T) {
	t.Parallel()
	var log []string
	errFirst, errThird := errors.New("first"), errors.New("third")
	h := event.NewHandler(
		recorder{name: "first", log: &log, err: errFirst},
		recorder{name: "second", log: &log},
		recorder{name: "third", log: &log, err: errThird},
	)
	err := h.Handle(t.Context(), hook.Notification{Events: []hook.Event{{ID: "1"}}})
	if !errors.Is(err, errFirst) || !errors.Is(err, errThird) {
		t.Errorf("error %v does not hold both", err)
	}
	if diff := cmp.Diff([]string{"first 1", "second 1", "third 1"}, log); diff != "" {
		t.Errorf("handed over (-want +got):\n%s", diff)
	}
}

func TestHandlerWithoutHandlersTakesEverything(t *testing.T) {
	t.Parallel()
	if err := event.NewHandler().Handle(t.Context(), hook.Notification{}); err != nil {
		t.Error(err)
	}
}
