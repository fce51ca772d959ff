package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func pushImage() Type {
	return Type{
		Name:        hook.PushImage,
		Title:       "Image pushed",
		Group:       groupImages,
		V2Name:      "PUSH_ARTIFACT",
		CloudEvents: "harbor.artifact.pushed",
		Action:      Push,
		Kinds:       images(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e01",
			Type:       hook.PushImage,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			Resources: []hook.Resource{{
				Tag:     "latest",
				Digest:  "sha256:5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272",
				ImageID: "9e2c9d5f44efbb6ee83aecd17a120c513047d289d142ec5738c9f02f9b24ad07",
				Change:  hook.ChangeMoved,
			}},
			OccurredAt: time.Date(2020, time.March, 3, 7, 58, 52, 130_000_000, time.UTC),
			Operator:   "alice",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b01",
		},
	}
}
