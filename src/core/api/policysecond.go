package api

import (
	"github.com/harborhook/harborhook/src/hook"
)

// harbor2Format is the payload format of a target for which Harbor 2's clients
// name none.
const harbor2Format = "Default"

// secondPolicyJSON is a policy as Harbor 2.15 shows it, which leaves out what is
// empty, with our filters and secret.
type secondPolicyJSON struct {
	ID           int64              `json:"id"`
	Name         string             `json:"name,omitempty"`
	Description  string             `json:"description,omitempty"`
	ProjectID    int64              `json:"project_id"`
	Targets      []secondTargetJSON `json:"targets"`
	EventTypes   []string           `json:"event_types"`
	Filters      []hook.Filter      `json:"filters,omitempty"`
	Secret       string             `json:"secret,omitempty"`
	Creator      string             `json:"creator,omitempty"`
	CreationTime stamp              `json:"creation_time"`
	UpdateTime   stamp              `json:"update_time"`
	Enabled      bool               `json:"enabled"`
}

type secondTargetJSON struct {
	Type           string `json:"type,omitempty"`
	Address        string `json:"address,omitempty"`
	AuthHeader     string `json:"auth_header,omitempty"`
	SkipCertVerify bool   `json:"skip_cert_verify,omitempty"`
	PayloadFormat  string `json:"payload_format,omitempty"`
	// PayloadTemplate is ours.
	PayloadTemplate string `json:"payload_template,omitempty"`
}

// showSecondPolicy shows who may update the policy the headers and queries of its
// targets, which Harbor's clients compare with what they sent.
func (a *API) showSecondPolicy(p hook.Policy, mayUpdate bool) secondPolicyJSON {
	f := a.second
	shown := secondPolicyJSON{
		ID: p.ID, Name: p.Name, Description: p.Description, ProjectID: p.ProjectID, Enabled: p.Enabled,
		Targets: make([]secondTargetJSON, len(p.Targets)), EventTypes: f.typeNames(a.Catalog, p.HookTypes, p.HookTypes), Filters: p.Filters,
		Secret: masked(p.Secret), Creator: p.Creator, CreationTime: f.time(p.CreationTime), UpdateTime: f.time(p.UpdateTime),
	}
	for i, t := range p.Targets {
		if !mayUpdate {
			t.Address, t.AuthHeader = hook.MaskTarget(t.Address), masked(t.AuthHeader)
		}
		if t.Type == hook.TargetSlack {
			t.PayloadFormat = "" // the type says it all
		}
		shown.Targets[i] = secondTargetJSON{t.Type, t.Address, t.AuthHeader, t.SkipCertVerify, t.PayloadFormat, t.PayloadTemplate}
	}
	return shown
}

// applySecondPolicy is applyPolicy for a body in Harbor 2's shape. What Harbor's
// clients do not know (filters, secret) stays unless the body names it.
func (a *API) applySecondPolicy(stored hook.Policy, body []byte) (hook.Policy, error) {
	o := a.second.parse(body, "name", "description", "enabled", "event_types", "targets", "filters", "secret")
	p := stored
	o.str("name", &p.Name)
	o.str("description", &p.Description)
	o.boolean("enabled", &p.Enabled)
	var names []string
	if o.strs("event_types", &names) || len(stored.HookTypes) == 0 && o.err == nil {
		p.HookTypes, o.err = a.second.subscribe(a.Catalog, stored.HookTypes, names)
	}
	p.Filters = readFilters(o, stored.Filters)
	p.Targets = readTargets(o, stored.Targets)
	readSecret(o, stored, &p)
	if o.err != nil {
		return hook.Policy{}, o.err
	}
	for i := range p.Targets {
		if t := &p.Targets[i]; t.PayloadFormat == "" && t.Type != hook.TargetSlack {
			t.PayloadFormat = harbor2Format
		}
	}
	return p, nil
}
