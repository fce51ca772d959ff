package event

// completedScanSchema is what a finished scan tells: the scanners' reports by
// media type, or what became of a bill of materials.
const completedScanSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"title": "data of scanningCompleted",
	"type": "object",
	"additionalProperties": false,
	"properties": {` + scanMembers + `},
	"if": {"properties": {"scan": {"properties": {"scan_type": {"const": "sbom"}}, "required": ["scan_type"]}}, "required": ["scan"]},
	"then": {"required": ["sbom_overview"]},
	"else": {"required": ["scan_overview"]},
	"$defs": {` + scanDefinitions + `}
}`

// unfinishedScanSchema is what a scan tells that failed or was stopped. It may
// have come to nothing that could be told.
const unfinishedScanSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"title": "data of scanningFailed and scanningStopped",
	"type": "object",
	"additionalProperties": false,
	"properties": {` + scanMembers + `},
	"$defs": {` + scanDefinitions + `}
}`

// scanMembers allows anything in an overview that is not under a media type:
// Harbor 1.9 had its one report there, flat.
const scanMembers = `
		"scan": {"type": "object", "properties": {"scan_type": {"enum": ["vulnerability", "sbom"]}}},
		"scan_overview": {
			"type": "object",
			"minProperties": 1,
			"patternProperties": {"/": {"$ref": "#/$defs/report"}}
		},
		"sbom_overview": {"$ref": "#/$defs/report", "minProperties": 1}
	`

const scanDefinitions = `
		"report": {
			"type": "object",
			"properties": {
				"report_id": {"type": "string"},
				"scan_status": {"type": "string"},
				"severity": {"type": "string"},
				"duration": {"type": "integer", "minimum": 0},
				"complete_percent": {"type": "integer", "minimum": 0, "maximum": 100},
				"start_time": {"type": "string"},
				"end_time": {"type": "string"},
				"sbom_digest": {"type": "string"},
				"sbom_repository": {"type": "string"},
				"summary": {
					"type": "object",
					"properties": {
						"total": {"type": "integer", "minimum": 0},
						"fixable": {"type": "integer", "minimum": 0},
						"summary": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
					}
				},
				"scanner": {
					"type": "object",
					"properties": {
						"name": {"type": "string"},
						"vendor": {"type": "string"},
						"version": {"type": "string"}
					}
				}
			}
		}
	`
