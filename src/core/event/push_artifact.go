package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func pushArtifact() Type {
	return Type{
		Name:        hook.PushArtifact,
		Title:       "Artifact pushed",
		Group:       groupArtifacts,
		V2Name:      "PUSH_ARTIFACT",
		CloudEvents: "harbor.artifact.pushed",
		Action:      Push,
		Kinds:       artifacts(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e07",
			Type:       hook.PushArtifact,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			Resources: []hook.Resource{{
				Tag:    "sha256-5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272.sig",
				Digest: "sha256:3d1f0a7c5b9e8d6f4a2c1b0e9d8f7a6c5b4e3d2f1a0c9b8e7d6f5a4c3b2e1d0f",
				Change: hook.ChangeNew,
			}},
			OccurredAt: time.Date(2020, time.March, 3, 7, 59, 1, 250_000_000, time.UTC),
			Operator:   "robot$prj+ci",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b07",
		},
	}
}
