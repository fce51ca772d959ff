package api

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// policyJSON is a policy as the first family shows it. The seed's names (target,
// hook_types) and Harbor 1.10's (targets, event_types) stand beside each other;
// the single ones speak of the first target.
type policyJSON struct {
	ID             int64            `json:"id"`
	Name           string           `json:"name"`
	Description    string           `json:"description"`
	ProjectID      int64            `json:"project_id"`
	Enabled        bool             `json:"enabled"`
	HookTypes      []hook.EventType `json:"hook_types"`
	EventTypes     []hook.EventType `json:"event_types"`
	Filters        []hook.Filter    `json:"filters"`
	Target         string           `json:"target"`
	Targets        []targetJSON     `json:"targets"`
	AuthHeader     string           `json:"auth_header,omitempty"`
	SkipCertVerify bool             `json:"skip_cert_verify"`
	PayloadFormat  string           `json:"payload_format"`
	Template       string           `json:"payload_template,omitempty"`
	Secret         string           `json:"secret,omitempty"`
	RetryOn        []string         `json:"retry_on"`
	Creator        string           `json:"creator"`
	CreationTime   time.Time        `json:"creation_time"`
	UpdateTime     time.Time        `json:"update_time"`
}

type targetJSON struct {
	Type           string `json:"type"`
	Address        string `json:"address"`
	AuthHeader     string `json:"auth_header,omitempty"`
	SkipCertVerify bool   `json:"skip_cert_verify"`
	PayloadFormat  string `json:"payload_format"`
	Template       string `json:"payload_template,omitempty"`
}

// showPolicy masks the secrets of a policy, and the queries of its targets too
// for readers who may not update it.
func showPolicy(p hook.Policy, mayUpdate bool) policyJSON {
	shown := policyJSON{
		ID: p.ID, Name: p.Name, Description: p.Description, ProjectID: p.ProjectID, Enabled: p.Enabled,
		HookTypes:  append([]hook.EventType{}, p.HookTypes...),
		EventTypes: append([]hook.EventType{}, p.HookTypes...),
		Filters:    append([]hook.Filter{}, p.Filters...),
		Targets:    make([]targetJSON, len(p.Targets)),
		Secret:     masked(p.Secret),
		RetryOn:    []string{"network"},
		Creator:    p.Creator, CreationTime: p.CreationTime.UTC(), UpdateTime: p.UpdateTime.UTC(),
	}
	for i, t := range p.Targets {
		if !mayUpdate {
			t.Address = hook.MaskTarget(t.Address)
		}
		shown.Targets[i] = targetJSON{t.Type, t.Address, masked(t.AuthHeader), t.SkipCertVerify, t.PayloadFormat, t.PayloadTemplate}
	}
	if len(shown.Targets) > 0 {
		first := shown.Targets[0]
		shown.Target, shown.AuthHeader = first.Address, first.AuthHeader
		shown.SkipCertVerify = first.SkipCertVerify
		shown.PayloadFormat, shown.Template = first.PayloadFormat, first.Template
	}
	return shown
}

func masked(secret string) string {
	if secret == "" {
		return ""
	}
	return hook.Mask
}
