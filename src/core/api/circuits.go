package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// Circuits knows the endpoints that do not answer.
type Circuits interface {
	// Circuits lists those of the whole system whose deliveries wait.
	Circuits(ctx context.Context) ([]hook.Circuit, error)
	// ProjectCircuits lists the origins of a project's waiting jobs and those of these
	// addresses, whether they answer or not.
	ProjectCircuits(ctx context.Context, projectID int64, addresses []string) ([]hook.Circuit, error)
	// CloseCircuit lets the deliveries to an origin go, and records who wants it. If
	// they do not wait, that is a hook.ErrNotFound.
	CloseCircuit(ctx context.Context, origin string, by *hook.AuditEntry) error
}

type circuitJSON struct {
	Origin string `json:"origin"`
	// State is open while deliveries wait.
	State string `json:"state"`
	// Failures are in a row.
	Failures  int    `json:"failures"`
	OpenedAt  *stamp `json:"opened_at,omitempty"`
	NextProbe *stamp `json:"next_probe,omitempty"`
	Waiting   int    `json:"waiting"`
}

func showCircuit(f *Family, circuit hook.Circuit) circuitJSON {
	shown := circuitJSON{Origin: circuit.Origin, State: "closed", Failures: circuit.Failures, Waiting: circuit.Waiting}
	if circuit.Open() {
		opened, probe := f.time(circuit.OpenSince), f.time(circuit.NextProbe)
		shown.State, shown.OpenedAt, shown.NextProbe = "open", &opened, &probe
	}
	return shown
}

// listAllCircuits answers the endpoints of all projects that do not answer.
func (a *API) listAllCircuits(c *call) error {
	circuits, err := a.Store.Circuits(c.r.Context())
	if err != nil {
		return fmt.Errorf("list circuits: %w", err)
	}
	return c.circuits(circuits)
}

// listCircuits answers the endpoints of the project's policies and waiting jobs.
func (a *API) listCircuits(c *call) error {
	circuits, err := a.projectCircuits(c)
	if err != nil {
		return err
	}
	return c.circuits(circuits)
}

// circuits answers the page that is asked for.
func (c *call) circuits(circuits []hook.Circuit) error {
	q := c.query()
	page := q.page()
	if q.err != nil {
		return q.err
	}
	shown := []circuitJSON{}
	for _, circuit := range window(circuits, page) {
		shown = append(shown, showCircuit(c.family, circuit))
	}
	c.announce(page, len(circuits))
	return c.json(shown)
}

func (a *API) projectCircuits(c *call) ([]hook.Circuit, error) {
	policies, err := a.Policies.Policies(c.r.Context(), c.project.ID)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	var addresses []string
	for _, p := range policies {
		for _, t := range p.Targets {
			addresses = append(addresses, t.Address)
		}
	}
	circuits, err := a.Store.ProjectCircuits(c.r.Context(), c.project.ID, addresses)
	if err != nil {
		return nil, fmt.Errorf("list circuits: %w", err)
	}
	return circuits, nil
}

// closeCircuit lets the deliveries to an endpoint of the project go. The address of
// a target is taken for its origin.
func (a *API) closeCircuit(c *call) error {
	o := c.object("origin")
	var origin string
	if !o.str("origin", &origin) {
		o.fail("origin", "is missing")
	}
	if o.err != nil {
		return o.err
	}
	if origin = hook.TargetOrigin(origin); origin == "" {
		return hook.Invalid("origin", "must be scheme, host and port of an endpoint, for example https://ci.example.com:443")
	}
	circuits, err := a.projectCircuits(c)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(circuits, func(circuit hook.Circuit) bool { return circuit.Origin == origin }) {
		return notFound("origin")
	}
	by := c.by(hook.AuditCloseCircuit).With(origin)
	err = a.Store.CloseCircuit(c.r.Context(), origin, by)
	if errors.Is(err, hook.ErrNotFound) {
		return hook.Conflict("the circuit is not open")
	}
	if err != nil {
		return fmt.Errorf("close a circuit: %w", err)
	}
	c.did(by)
	return c.done()
}
