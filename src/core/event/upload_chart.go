package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func uploadChart() Type {
	return Type{
		Name:        hook.UploadChart,
		Title:       "Chart uploaded",
		Group:       groupCharts,
		V2Name:      "UPLOAD_CHART",
		V2Within:    "PUSH_ARTIFACT",
		CloudEvents: "harbor.chart.uploaded",
		Action:      Push,
		Kinds:       charts(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e04",
			Type:       hook.UploadChart,
			ProjectID:  1,
			Project:    "prj",
			Repository: "chart1",
			Resources: []hook.Resource{{
				Tag:    "v14.0.0",
				Digest: "sha256:8c879cc1b0a29384756657483920a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2",
				Change: hook.ChangeNew,
			}},
			OccurredAt: time.Date(2020, time.March, 3, 7, 58, 52, 130_000_000, time.UTC),
			Operator:   "alice",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b04",
		},
	}
}
