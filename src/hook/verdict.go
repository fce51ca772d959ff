package hook

// Verdict says what a policy makes of an event.
type Verdict struct {
	Event Event
	// RefusedBy names the rule of the policy that the event does not pass, for
	// example "hook_types" or "filters[0]"; empty if the event matches.
	RefusedBy string
}

// Matches says whether the event matches the policy.
func (v Verdict) Matches() bool { return v.RefusedBy == "" }
