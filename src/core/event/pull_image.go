package event

import (
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

func pullImage() Type {
	return Type{
		Name:        hook.PullImage,
		Title:       "Image pulled",
		Group:       groupImages,
		V2Name:      "PULL_ARTIFACT",
		CloudEvents: "harbor.artifact.pulled",
		Action:      Pull,
		Kinds:       images(),
		Sample: hook.Event{
			ID:         "1c6d9b0e-52f4-4f0e-9d7b-3f2f4a7c1e02",
			Type:       hook.PullImage,
			ProjectID:  1,
			Project:    "prj",
			Repository: "team/repo1",
			Resources: []hook.Resource{{
				Tag:     "1.4.2",
				Digest:  "sha256:dc9020a2c2f1a4a0f5b3d4f4a3a2e0f5c6b7d8e9f0a1b2c3d4e5f60718293a4b",
				ImageID: "dc9020a2c2f1a4a0f5b3d4f4a3a2e0f5c6b7d8e9f0a1b2c3d4e5f60718293a4b",
				Platforms: []hook.Platform{
					{
						OS:           "linux",
						Architecture: "amd64",
						Digest:       "sha256:a415530877c6a1b9a0f9d3a5ab7c3b1d2e4f60718293a4b5c6d7e8f90a1b2c3d",
						ImageID:      "eb3454b3e3a4f1f0d9c8b7a6958473625140f1e2d3c4b5a69788796a5b4c3d2e",
					},
					{
						OS:           "linux",
						Architecture: "arm64",
						Variant:      "v8",
						Digest:       "sha256:fade2f65d0c1b2a39485766758493a2b1c0d1e2f30415263748596a7b8c9dae0",
						ImageID:      "db1a0d72f6e5d4c3b2a1908f7e6d5c4b3a29180706f5e4d3c2b1a09f8e7d6c5b",
					},
				},
			}},
			OccurredAt: time.Date(2020, time.March, 3, 8, 2, 0, 7_000_000, time.UTC),
			Operator:   "robot$prj+ci",
			RequestID:  "0f6c1f5a-8a53-4f3e-a9a5-7a1c6d1a2b02",
		},
	}
}
