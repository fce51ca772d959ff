package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func downloadChart() Type {
	return Type{
		Name:        hook.DownloadChart,
		Title:       "Chart downloaded",
		Group:       groupCharts,
		V2Name:      "DOWNLOAD_CHART",
		V2Within:    "PULL_ARTIFACT",
		CloudEvents: "harbor.chart.downloaded",
		Action:      Pull,
		Kinds:       charts(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e05",
			Type:       hook.DownloadChart,
			ProjectID:  1,
			Project:    "prj",
			Repository: "chart1",
			Resources: []hook.Resource{{
				Tag:    "v14.0.0",
				Digest: "sha256:8c879cc1b0a29384756657483920a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2",
			}},
			OccurredAt: time.Date(2020, time.March, 3, 10, 0, 1, 0, time.UTC),
			Operator:   "bob",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b05",
		},
	}
}
