package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func replicationFinished() Type {
	return Type{
		Name:        hook.ReplicationFinished,
		Title:       "Replication finished",
		Group:       groupReplication,
		V2Name:      "REPLICATION",
		CloudEvents: "harbor.replication.status.changed",
		Schema:      replicationSchema,
		Sample: hook.Event{
			ID:         hook.ComponentEventID("1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e0d"),
			Type:       hook.ReplicationFinished,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			OccurredAt: time.Date(2020, time.March, 3, 9, 0, 4, 0, time.UTC),
			Operator:   "admin",
			Data: compact(`{
				"replication": {
					"harbor_hostname": "hub.example.com",
					"job_status": "Success",
					"description": "nightly",
					"artifact_type": "image",
					"authentication_type": "basic",
					"override_mode": true,
					"trigger_type": "SCHEDULED",
					"policy_creator": "admin",
					"execution_timestamp": 1583226000,
					"src_resource": {
						"registry_type": "harbor",
						"endpoint": "https://hub.example.com",
						"namespace": "prj"
					},
					"dest_resource": {
						"registry_name": "dr",
						"registry_type": "harbor",
						"endpoint": "https://dr.example.com",
						"namespace": "prj"
					},
					"successful_artifact": [
						{
							"type": "image",
							"status": "Success",
							"name_tag": "repo1 [1 item(s) in total]",
							"references": [
								"sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272"
							]
						}
					],
					"execution_id": 16,
					"task_id": 34
				}
			}`),
		},
	}
}

// replicationSchema says what went where, with which result: Harbor 2's words.
const replicationSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"title": "data of replicationFinished",
	"type": "object",
	"required": ["replication"],
	"additionalProperties": false,
	"properties": {
		"replication": {
			"type": "object",
			"required": ["job_status", "src_resource", "dest_resource"],
			"properties": {
				"harbor_hostname": {"type": "string"},
				"job_status": {"type": "string", "minLength": 1},
				"description": {"type": "string"},
				"artifact_type": {"type": "string"},
				"authentication_type": {"type": "string"},
				"override_mode": {"type": "boolean"},
				"trigger_type": {"type": "string"},
				"policy_creator": {"type": "string"},
				"execution_timestamp": {"type": "integer"},
				"execution_id": {"type": "integer"},
				"task_id": {"type": "integer"},
				"src_resource": {"$ref": "#/$defs/place"},
				"dest_resource": {"$ref": "#/$defs/place"},
				"successful_artifact": {"type": "array", "items": {"$ref": "#/$defs/artifact"}},
				"failed_artifact": {"type": "array", "items": {"$ref": "#/$defs/artifact"}}
			}
		}
	},
	"$defs": {
		"place": {
			"type": "object",
			"required": ["namespace"],
			"properties": {
				"registry_name": {"type": "string"},
				"registry_type": {"type": "string"},
				"endpoint": {"type": "string"},
				"namespace": {"type": "string"}
			}
		},
		"artifact": {
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
}`
