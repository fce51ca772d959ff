package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// Switchboard keeps what system admins set for the whole system. Who makes a change
// is recorded with it.
type Switchboard interface {
	Switches(ctx context.Context) (hook.Switches, error)
	// ChangeSwitches sends or drops what was kept, if it switches notifications on.
	ChangeSwitches(ctx context.Context, c hook.SwitchChange, by *hook.AuditEntry) error
	// PauseQueue keeps jobs of a kind from starting, or lets them.
	PauseQueue(ctx context.Context, kind string, paused bool, by *hook.AuditEntry) error
	// EmptyQueue stops the deliveries that wait now, and returns how many.
	EmptyQueue(ctx context.Context, by *hook.AuditEntry) (int, error)
	// Queue says which deliveries wait.
	Queue(ctx context.Context) (hook.Queue, error)
}

// The settings that can be changed.
const (
	settingNotifications = "notification_enable"
	settingKeptEvents    = "notification_kept_events"
)

type settingJSON struct {
	Value    any  `json:"value"`
	Editable bool `json:"editable"`
}

// readConfigurations answers those of Harbor's settings that have a meaning here,
// and ours.
func (a *API) readConfigurations(c *call) error {
	set, err := a.Store.Switches(c.r.Context())
	if err != nil {
		return fmt.Errorf("read the switches: %w", err)
	}
	return c.json(map[string]settingJSON{
		"auth_mode":                    {"db_auth", false},
		"self_registration":            {false, false},
		"project_creation_restriction": {"everyone", false},
		"read_only":                    {false, false},
		settingNotifications:           {set.Notifications, true},
		settingKeptEvents:              {set.KeptEvents, true},
	})
}

// changeConfigurations changes what the body names.
func (a *API) changeConfigurations(c *call) error {
	change, err := readSwitchChange(c.object(settingNotifications, settingKeptEvents))
	if err != nil {
		return err
	}
	var said []string
	if v := change.Notifications; v != nil {
		said = append(said, fmt.Sprintf("%s=%t", settingNotifications, *v))
	}
	if v := change.KeptEvents; v != nil {
		said = append(said, fmt.Sprintf("%s=%s", settingKeptEvents, *v))
	}
	if said == nil {
		return c.done()
	}
	c.takeTime()
	by := c.by(hook.AuditSwitch).With(strings.Join(said, " "))
	if err := a.Store.ChangeSwitches(c.r.Context(), change, by); err != nil {
		return fmt.Errorf("change the switches: %w", err)
	}
	c.did(by)
	return c.done()
}

func readSwitchChange(o *object) (hook.SwitchChange, error) {
	var change hook.SwitchChange
	if o.has(settingNotifications) {
		change.Notifications = new(bool)
		o.boolean(settingNotifications, change.Notifications)
	}
	var kept string
	if o.str(settingKeptEvents, &kept) {
		change.KeptEvents = (*hook.KeptEvents)(&kept)
		if k := *change.KeptEvents; k != hook.KeptSend && k != hook.KeptDrop {
			o.fail(settingKeptEvents, `must be "send" or "drop"`)
		}
	}
	return change, o.err
}

// longCall is how long a call may take that stops all waiting deliveries: a million
// of them take a minute or two.
const longCall = 10 * time.Minute

// takeTime lets the call take longer than the server lets others. A connection whose
// time to be read is over counts as gone, and would end the call too.
func (c *call) takeTime() {
	deadlines, until := http.NewResponseController(c.w), time.Now().Add(longCall)
	_ = errors.Join(deadlines.SetReadDeadline(until), deadlines.SetWriteDeadline(until)) // it goes on with less time, too
}

type queueJSON struct {
	JobType string `json:"job_type"`
	Count   int    `json:"count"`
	// Latency is in seconds.
	Latency int64 `json:"latency"`
	Paused  bool  `json:"paused"`
}

// listQueues answers what waits of each kind of job. Of the other kinds than
// deliveries nothing is kept: they come by the clock.
func (a *API) listQueues(c *call) error {
	set, err := a.Store.Switches(c.r.Context())
	if err != nil {
		return fmt.Errorf("read the switches: %w", err)
	}
	deliveries, err := a.Store.Queue(c.r.Context())
	if err != nil {
		return fmt.Errorf("look at the queue: %w", err)
	}
	var shown []queueJSON
	for _, kind := range hook.QueueKinds() {
		q := queueJSON{JobType: kind, Paused: set.PausesKind(kind)}
		if kind == hook.KindOfWebhooks {
			q.Count, q.Latency = deliveries.Waiting, int64(deliveries.Latency.Seconds())
		}
		shown = append(shown, q)
	}
	return c.json(shown)
}

// allQueues is Harbor's word for all of them.
const allQueues = "all"

// changeQueue pauses, resumes or empties the queue in the path.
func (a *API) changeQueue(c *call) error {
	var kinds []string
	for _, kind := range hook.QueueKinds() {
		if asked := c.params[":type"]; asked == kind || asked == allQueues {
			kinds = append(kinds, kind)
		}
	}
	if kinds == nil {
		return notFound("queue")
	}
	o := c.object("action")
	var action string
	o.str("action", &action)
	switch action {
	case "pause", "resume", "stop":
	default:
		o.fail("action", `must be "pause", "resume" or "stop"`)
	}
	if o.err != nil {
		return o.err
	}
	c.takeTime()
	for _, kind := range kinds {
		by := c.by(hook.AuditSwitch).With(kind + ": " + action)
		if err := a.actOnQueue(c.r.Context(), kind, action, by); err != nil {
			return fmt.Errorf("%s the queue %s: %w", action, kind, err)
		}
		c.did(by)
	}
	return c.done()
}

func (a *API) actOnQueue(ctx context.Context, kind, action string, by *hook.AuditEntry) error {
	if action != "stop" {
		return a.Store.PauseQueue(ctx, kind, action == "pause", by)
	}
	if kind != hook.KindOfWebhooks {
		return nil // nothing waits there
	}
	_, err := a.Store.EmptyQueue(ctx, by)
	return err
}
