package payload

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/harborhook/harborhook/src/hook"
)

// eventData is Harbor's event_data: what Default and CloudEvents tell, and Slack
// shows. Members are left out if there is nothing to say.
type eventData struct {
	Resources        []resource      `json:"resources,omitempty"`
	Repository       *repository     `json:"repository,omitempty"`
	Scan             json.RawMessage `json:"scan,omitempty"`
	CustomAttributes json.RawMessage `json:"custom_attributes,omitempty"`
	Recovered        bool            `json:"recovered,omitempty"`
}

type resource struct {
	Digest       string          `json:"digest,omitempty"`
	Tag          string          `json:"tag,omitempty"`
	ResourceURL  string          `json:"resource_url,omitempty"`
	Change       hook.Change     `json:"change,omitempty"`
	ScanOverview json.RawMessage `json:"scan_overview,omitempty"`
	SBOMOverview json.RawMessage `json:"sbom_overview,omitempty"`
}

type repository struct {
	Name         string `json:"name"`
	Namespace    string `json:"namespace"`
	RepoFullName string `json:"repo_full_name"`
	RepoType     string `json:"repo_type"`
}

// tagRule says what stands for the tag of a resource.
type tagRule func(r hook.Resource) string

// The rules: Harbor 2 puts the digest in the place of a missing tag, Harbor 1 did not.
func tagOrDigest(r hook.Resource) string {
	if r.Tag == "" {
		return r.Digest
	}
	return r.Tag
}

func tagOnly(r hook.Resource) string { return r.Tag }

// harborData writes event_data. Overviews of scans stand with the resources, a
// quota's words also in custom_attributes; other members of the event's data
// follow as they are.
func harborData(e hook.Event, o Options, tag tagRule) (json.RawMessage, error) {
	data, err := members(e.Data)
	if err != nil {
		return nil, err
	}
	d := eventData{Recovered: e.Recovered, Scan: data["scan"], CustomAttributes: data["custom_attributes"]}
	if e.Repository != "" {
		d.Repository = &repository{
			Name: e.Repository, Namespace: e.Project, RepoFullName: e.Project + "/" + e.Repository, RepoType: repoType(e.Public),
		}
	}
	for _, r := range e.Resources {
		d.Resources = append(d.Resources, resource{
			Digest: r.Digest, Tag: tag(r), ResourceURL: resourceURL(e, r, o), Change: r.Change,
			ScanOverview: data["scan_overview"], SBOMOverview: data["sbom_overview"],
		})
	}
	rest := maps.Clone(data)
	if len(d.Resources) > 0 {
		delete(rest, "scan_overview")
		delete(rest, "sbom_overview")
	}
	if d.Scan == nil {
		d.Scan = scanType(data)
	}
	if d.CustomAttributes == nil {
		if d.CustomAttributes, err = quotaDetails(data["quota"]); err != nil {
			return nil, err
		}
	}
	return merge(d, rest)
}

// scanType is what Harbor says of a scan beside its overview.
func scanType(data map[string]json.RawMessage) json.RawMessage {
	switch {
	case data["sbom_overview"] != nil:
		return json.RawMessage(`{"scan_type":"sbom"}`)
	case data["scan_overview"] != nil:
		return json.RawMessage(`{"scan_type":"vulnerability"}`)
	default:
		return nil
	}
}

// quotaDetails is where Harbor's receivers look for what happened to a quota. A
// quota without words has none.
func quotaDetails(quota json.RawMessage) (json.RawMessage, error) {
	if len(quota) == 0 || quota[0] != '{' {
		return nil, nil
	}
	var told struct {
		Details any `json:"details"`
	}
	if err := json.Unmarshal(quota, &told); err != nil {
		return nil, fmt.Errorf("the event's quota: %w", err)
	}
	details, ok := told.Details.(string)
	if !ok {
		return nil, nil
	}
	return encode(struct{ Details string }{details})
}

func repoType(public bool) string {
	if public {
		return "public"
	}
	return "private"
}
