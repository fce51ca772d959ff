package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func projectQuota() Type {
	return Type{
		Name:        hook.ProjectQuota,
		Title:       "Quota exceeded",
		Group:       groupQuota,
		V2Name:      "QUOTA_EXCEED",
		CloudEvents: "harbor.quota.exceeded",
		Schema:      quotaSchema,
		Sample: hook.Event{
			ID:         hook.ComponentEventID("1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e0e"),
			Type:       hook.ProjectQuota,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			Resources: []hook.Resource{{
				Digest: "sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272",
			}},
			OccurredAt: time.Date(2020, time.March, 3, 9, 5, 0, 0, time.UTC),
			Operator:   "alice",
			Data: compact(`{
				"quota": {
					"details": "adding 3.2 MiB of storage resource, which when updated to current usage of 8.4 MiB will exceed the configured upper limit of 10.0 MiB.",
					"hard": {
						"storage": 10485760
					},
					"used": {
						"storage": 8808038
					}
				}
			}`),
		},
	}
}

// quotaSchema is what both events of a quota tell: Harbor's sentence for people, and the
// limits and the use of each resource as in Harbor's quotas; a limit of -1 is none.
const quotaSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"title": "data of projectQuota and quotaWarning",
	"type": "object",
	"required": ["quota"],
	"additionalProperties": false,
	"properties": {
		"quota": {
			"type": "object",
			"required": ["details"],
			"properties": {
				"details": {"type": "string", "minLength": 1},
				"hard": {"$ref": "#/$defs/amounts"},
				"used": {"$ref": "#/$defs/amounts"}
			}
		}
	},
	"$defs": {
		"amounts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": -1}}
	}
}`
