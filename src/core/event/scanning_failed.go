package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func scanningFailed() Type {
	return Type{
		Name:        hook.ScanningFailed,
		Title:       "Scanning failed",
		Group:       groupScans,
		V2Name:      "SCANNING_FAILED",
		CloudEvents: "harbor.scan.failed",
		Schema:      unfinishedScanSchema,
		OfResource:  true,
		Sample: hook.Event{
			ID:         hook.ComponentEventID("1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e0b"),
			Type:       hook.ScanningFailed,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			Resources: []hook.Resource{{
				Tag:     "latest",
				Digest:  "sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272",
				ImageID: "9e2c9d5f44efbb6ee83aecd17a120c513047d289d142ec5738c9f02f9b24ad07",
			}},
			OccurredAt: time.Date(2020, time.March, 3, 8, 0, 13, 0, time.UTC),
			Operator:   "auto",
			Data: compact(`{
				"scan_overview": {
					"application/vnd.security.vulnerability.report; version=1.1": {
						"report_id": "5f62c830-f996-11e9-957f-0242c0a89008",
						"scan_status": "Error",
						"start_time": "2020-03-03T08:00:00Z",
						"end_time": "2020-03-03T08:00:12Z",
						"duration": 12,
						"scanner": {
							"name": "Trivy",
							"vendor": "Aqua Security",
							"version": "v0.37.2"
						}
					}
				}
			}`),
		},
	}
}
