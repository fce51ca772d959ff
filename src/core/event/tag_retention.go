package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func tagRetention() Type {
	return Type{
		Name:        hook.TagRetention,
		Title:       "Tag retention finished",
		Group:       groupRetention,
		V2Name:      "TAG_RETENTION",
		CloudEvents: "harbor.tag_retention.finished",
		Schema:      retentionSchema,
		Sample: hook.Event{
			ID:         hook.ComponentEventID("1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e10"),
			Type:       hook.TagRetention,
			ProjectID:  1,
			Project:    "prj",
			OccurredAt: time.Date(2020, time.March, 3, 10, 0, 0, 0, time.UTC),
			Operator:   "admin",
			Data: compact(`{
				"retention": {
					"total": 10,
					"retained": 9,
					"harbor_hostname": "hub.example.com",
					"project_name": "prj",
					"retention_policy_id": 1,
					"retention_rule": [
						{
							"template": "latestPushedK",
							"params": {
								"latestPushedK": 9
							},
							"tag_selectors": [
								{
									"kind": "doublestar",
									"decoration": "matches",
									"pattern": "**"
								}
							],
							"scope_selectors": {
								"repository": [
									{
										"kind": "doublestar",
										"decoration": "repoMatches",
										"pattern": "**"
									}
								]
							}
						}
					],
					"result": "SUCCESS",
					"deleted_artifact": [
						{
							"type": "image",
							"status": "SUCCESS",
							"name_tag": "repo1:1.4.1"
						}
					]
				}
			}`),
		},
	}
}

// retentionSchema says what a run deleted, and by which rules: Harbor 2's words.
const retentionSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"title": "data of tagRetention",
	"type": "object",
	"required": ["retention"],
	"additionalProperties": false,
	"properties": {
		"retention": {
			"type": "object",
			"required": ["result", "deleted_artifact"],
			"properties": {
				"total": {"type": "integer", "minimum": 0},
				"retained": {"type": "integer", "minimum": 0},
				"harbor_hostname": {"type": "string"},
				"project_name": {"type": "string"},
				"retention_policy_id": {"type": "integer"},
				"retention_rule": {"type": "array", "items": {"type": "object"}},
				"result": {"type": "string", "minLength": 1},
				"deleted_artifact": {
					"type": "array",
					"items": {
						"type": "object",
						"required": ["name_tag"],
						"properties": {
							"type": {"type": "string"},
							"status": {"type": "string"},
							"name_tag": {"type": "string"},
							"references": {"type": ["array", "null"], "items": {"type": "string"}}
						}
					}
				}
			}
		}
	}
}`
