package registry_test

import (
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/hook"
)

func TestWhatAManifestIs(t *testing.T) {
	t.Parallel()
	const (
		list     = "application/vnd.docker.distribution.manifest.list.v2+json"
		schema1  = "application/vnd.docker.distribution.manifest.v1+prettyjws"
		artifact = "application/vnd.oci.artifact.manifest.v1+json"
	)
	referrers := "sha256-" + strings.Repeat("0a", 32)
	tests := []struct {
		name      string
		mediaType string
		tag       string
		refs      []string
		want      hook.Kind
	}{
		{"schema 2", schema2, "v1", nil, hook.KindImage},
		{"schema 2 of an old client", schema2, "v1", []string{"application/octet-stream"}, hook.KindImage},
		{"schema 1, whose references are layers", schema1, "v1", []string{"application/vnd.docker.container.image.rootfs.diff+x-gtar"}, hook.KindImage},
		{"manifest list", list, "v1", nil, hook.KindImage},
		{"OCI index", ociIndex, "v1", []string{ociManifest}, hook.KindImage},
		{"OCI image", ociManifest, "v1", []string{ociConfig, ociLayer}, hook.KindImage},
		{"OCI manifest with Docker's configuration", ociManifest, "v1", []string{"application/vnd.docker.container.image.v1+json"}, hook.KindImage},
		{"OCI manifest without references", ociManifest, "v1", nil, hook.KindUnknown},
		{"chart", ociManifest, "1.0.0", []string{helmConfig, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}, hook.KindChart},
		{"OCI 1.1 artifact", ociManifest, "v1", []string{"application/vnd.oci.empty.v1+json", "text/plain"}, hook.KindArtifact},
		{"artifact with its own configuration", ociManifest, "v1", []string{"application/vnd.example.thing.config.v1+json"}, hook.KindArtifact},
		{"artifact manifest", artifact, "v1", nil, hook.KindArtifact},
		{"cosign signature", ociManifest, "v1", []string{ociConfig, "application/vnd.dev.cosign.simplesigning.v1+json"}, hook.KindArtifact},
		{"attestation", ociManifest, "v1", []string{ociConfig, "application/vnd.dsse.envelope.v1+json"}, hook.KindArtifact},
		{"attestation as second layer", schema2, "v1", []string{ociConfig, ociLayer, "application/vnd.in-toto+json"}, hook.KindArtifact},
		{"bill of materials", ociManifest, "v1", []string{ociConfig, "text/spdx+json"}, hook.KindArtifact},
		{"signature's tag", ociManifest, referrers + ".sig", nil, hook.KindArtifact},
		{"attestation's tag", schema2, referrers + ".att", nil, hook.KindArtifact},
		{"bill of materials' tag", ociManifest, referrers + ".sbom", []string{ociConfig, "text/plain"}, hook.KindArtifact},
		{"list of referrers", ociIndex, referrers, []string{ociManifest}, hook.KindArtifact},
		{"a tag with another ending", schema2, referrers + ".v1", nil, hook.KindImage},
		{"a tag that is too short", schema2, "sha256-0a0a", nil, hook.KindImage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := push(tt.tag, sha(1))
			a.MediaType = tt.mediaType
			for n, mediaType := range tt.refs {
				a.References = append(a.References, registry.Reference{MediaType: mediaType, Digest: sha(n + 2)})
			}
			n, _ := interpreted(t, newMemory(), a)
			if got := n.Facts[0].Manifest.Kind; got != tt.want {
				t.Errorf("kind %q, want %q", got, tt.want)
			}
			raised := map[hook.Kind]hook.EventType{
				hook.KindImage: hook.PushImage, hook.KindUnknown: hook.PushImage, hook.KindChart: hook.UploadChart, hook.KindArtifact: hook.PushArtifact,
			}
			if len(n.Events) != 1 || n.Events[0].Type != raised[tt.want] {
				t.Errorf("events %v, want one %s", summaries(n.Events), raised[tt.want])
			}
		})
	}
}
