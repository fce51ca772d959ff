package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func deleteArtifact() Type {
	return Type{
		Name:        hook.DeleteArtifact,
		Title:       "Artifact deleted",
		Group:       groupArtifacts,
		V2Name:      "DELETE_ARTIFACT",
		CloudEvents: "harbor.artifact.deleted",
		Action:      Delete,
		Kinds:       artifacts(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e09",
			Type:       hook.DeleteArtifact,
			ProjectID:  1,
			Project:    "prj",
			Repository: "repo1",
			Resources: []hook.Resource{{
				Tag:    "sha256-5e30b36087835d50100b2b88e52205588e8c11ef2034b996ee6de1c7453c4272.sig",
				Digest: "sha256:3d1f0a7c5b9e8d6f4a2c1b0e9d8f7a6c5b4e3d2f1a0c9b8e7d6f5a4c3b2e1d0f",
			}},
			OccurredAt: time.Date(2020, time.March, 3, 9, 15, 31, 2_000_000, time.UTC),
			Operator:   "alice",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b09",
		},
	}
}
