package api

import "context"

// Components takes the events of other parts of Harbor.
type Components interface {
	// Events stores the events of a message before it returns, and says how many
	// there are: it takes all, or none. It fails with a *hook.InvalidError whose
	// Field is a JSON pointer if the message is not right; after any other error the
	// sender should repeat it.
	Events(ctx context.Context, body []byte) (accepted int, err error)
}

// notifyComponent answers 200 once the events are stored. Unlike a registry, a
// component is told what is wrong with them: it does not repeat for ever.
func (a *API) notifyComponent(c *call) error {
	return c.takeMessage(a.ComponentToken, func(ctx context.Context, body []byte) (map[string]int, error) {
		accepted, err := a.Components.Events(ctx, body)
		return map[string]int{"accepted": accepted}, err
	})
}
