package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func quotaWarning() Type {
	return Type{
		Name:        hook.QuotaWarning,
		Title:       "Quota near threshold",
		Group:       groupQuota,
		V2Name:      "QUOTA_WARNING",
		CloudEvents: "harbor.quota.warned",
		Schema:      quotaSchema,
		Sample: hook.Event{
			ID:         hook.ComponentEventID("1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e0f"),
			Type:       hook.QuotaWarning,
			ProjectID:  1,
			Project:    "prj",
			OccurredAt: time.Date(2020, time.March, 3, 9, 4, 0, 0, time.UTC),
			Operator:   "alice",
			Data: compact(`{
				"quota": {
					"details": "quota usage reach 85%: resource storage used 8.6 MiB of 10.0 MiB",
					"hard": {
						"storage": 10485760
					},
					"used": {
						"storage": 9017753
					}
				}
			}`),
		},
	}
}
