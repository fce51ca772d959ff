package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func deleteChart() Type {
	return Type{
		Name:        hook.DeleteChart,
		Title:       "Chart deleted",
		Group:       groupCharts,
		V2Name:      "DELETE_CHART",
		V2Within:    "DELETE_ARTIFACT",
		CloudEvents: "harbor.chart.deleted",
		Action:      Delete,
		Kinds:       charts(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e06",
			Type:       hook.DeleteChart,
			ProjectID:  1,
			Project:    "prj",
			Repository: "chart1",
			Resources: []hook.Resource{{
				Tag:    "v14.0.0",
				Digest: "sha256:8c879cc1b0a29384756657483920a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2",
			}},
			OccurredAt: time.Date(2020, time.March, 3, 11, 30, 0, 999_000_000, time.UTC),
			Operator:   "alice",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b06",
		},
	}
}
