package hook

import (
	"encoding/json"
	"errors"
	"time"
)

// Policy says which events of a project are sent where.
type Policy struct {
	ID          int64
	ProjectID   int64
	Name        string
	Description string
	Enabled     bool
	// HookTypes are the subscribed event types, without repetition.
	HookTypes []EventType
	// Naming says whose names HookTypes were last written in. Receivers are told
	// those.
	Naming Naming
	// Filters narrow the events; none of a kind means everything.
	Filters []Filter
	// Targets has 1 to 10 entries. A job keeps its target's position.
	Targets []Target
	// Secret signs the deliveries; empty means unsigned.
	Secret string
	// OldSecret, from before a rotation, signs beside Secret until OldSecretUntil.
	OldSecret      string
	OldSecretUntil time.Time
	Creator        string
	CreationTime   time.Time
	UpdateTime     time.Time
}

// Naming is a set of names for event types.
type Naming string

// The namings. A policy without one has ours.
const (
	// NamingOurs is that of the first family of routes, for example "pushImage".
	NamingOurs Naming = "first"
	// NamingHarbor2 is that of the second family, for example "PUSH_ARTIFACT".
	NamingHarbor2 Naming = "second"
)

// Target is one receiver of a policy.
type Target struct {
	// Type is the kind of receiver: "http".
	Type string
	// Address is the URL, sent to verbatim.
	Address string
	// AuthHeader is the value of the Authorization header; empty sends none.
	AuthHeader     string
	SkipCertVerify bool
	// PayloadFormat names the format of the body, for example "Events".
	PayloadFormat string
	// PayloadTemplate is the text/template that writes the body if the format is
	// "Custom"; empty otherwise.
	PayloadTemplate string
}

// The types of target.
const (
	// TargetHTTP takes an HTTP POST.
	TargetHTTP = "http"
	// TargetSlack is an incoming webhook of Slack.
	TargetSlack = "slack"
)

// The kinds of filter.
const (
	FilterRepository = "repository"
	FilterTag        = "tag"
)

// Filter narrows a policy to repositories or tags. It holds either a regular
// expression (Go RE2 syntax, matching the whole name) or a list of exact names.
type Filter struct {
	Kind    string
	Pattern string
	// List is used instead of Pattern when it is not nil.
	List []string
}

type filterJSON struct {
	Kind  string          `json:"kind"`
	Value json.RawMessage `json:"value"`
}

// MarshalJSON writes {"kind":…,"value":…}: a string is a regular expression, an
// array a list of exact names.
func (f Filter) MarshalJSON() ([]byte, error) {
	var value any = f.Pattern
	if f.List != nil {
		value = f.List
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(filterJSON{Kind: f.Kind, Value: raw})
}

// UnmarshalJSON reads what MarshalJSON writes. Other members are ignored here.
func (f *Filter) UnmarshalJSON(data []byte) error {
	var in filterJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*f = Filter{Kind: in.Kind}
	if json.Unmarshal(in.Value, &f.Pattern) == nil && string(in.Value) != "null" {
		return nil
	}
	if err := json.Unmarshal(in.Value, &f.List); err != nil || f.List == nil {
		return errors.New("value of a filter must be a string (regular expression) or a list of strings")
	}
	return nil
}
