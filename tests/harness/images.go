package harness

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Format is how manifests are written.
type Format struct {
	Name                           string
	manifest, config, layer, index types.MediaType
}

// Formats are the two that registries of today hold.
func Formats() []Format {
	return []Format{
		{"docker", types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer, types.DockerManifestList},
		{"oci", types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer, types.OCIImageIndex},
	}
}

// Image returns a new small image for a platform.
func Image(t T, f Format, architecture string) v1.Image {
	t.Helper()
	layer, err := random.Layer(256, f.layer)
	if err != nil {
		t.Fatalf("make a layer: %v", err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, f.manifest), f.config)
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		t.Fatalf("make an image: %v", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatalf("make an image: %v", err)
	}
	config.OS, config.Architecture = "linux", architecture
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatalf("make an image: %v", err)
	}
	return img
}

// Index returns an image of several architectures.
func Index(f Format, images map[string]v1.Image) v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, f.index)
	for architecture, img := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	return index
}

// Chart returns a Helm chart as helm pushes it.
func Chart(t T, name, version string) v1.Image {
	t.Helper()
	layer := static.NewLayer(ChartArchive(t, name, version), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	chart := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	chart, err := mutate.AppendLayers(chart, layer)
	if err != nil {
		t.Fatalf("make a chart: %v", err)
	}
	return chart
}

// Signature returns what cosign pushes to sign an image: it looks like one, but
// for its layer. Two are never the same.
func Signature(t T) v1.Image {
	t.Helper()
	signed := static.NewLayer([]byte(secret()), "application/vnd.dev.cosign.simplesigning.v1+json")
	signature, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), signed)
	if err != nil {
		t.Fatalf("make a signature: %v", err)
	}
	return signature
}

// ChartArchive returns the file that helm package writes.
func ChartArchive(t T, name, version string) []byte {
	t.Helper()
	text := "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n"
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	err := archive.WriteHeader(&tar.Header{Name: name + "/Chart.yaml", Mode: 0o644, Size: int64(len(text))})
	if err == nil {
		_, err = io.WriteString(archive, text)
	}
	for _, w := range []io.Closer{archive, zipped} {
		if err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		t.Fatalf("make a chart: %v", err)
	}
	return out.Bytes()
}

// WriteImage writes an image into a folder as skopeo's dir: transport has it,
// which keeps every byte.
func WriteImage(t T, dir string, img v1.Image) {
	t.Helper()
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatalf("read a manifest: %v", err)
	}
	writeBlobs(t, dir, img)
	writeFile(t, dir, "manifest.json", manifest)
	writeFile(t, dir, "version", []byte("Directory Transport Version: 1.1\n"))
}

// WriteIndex writes an image of several architectures likewise.
func WriteIndex(t T, dir string, index v1.ImageIndex, images map[string]v1.Image) {
	t.Helper()
	for _, img := range images {
		manifest, err := img.RawManifest()
		if err != nil {
			t.Fatalf("read a manifest: %v", err)
		}
		writeBlobs(t, dir, img)
		writeFile(t, dir, DigestOf(t, img).Hex+".manifest.json", manifest)
	}
	list, err := index.RawManifest()
	if err != nil {
		t.Fatalf("read an index: %v", err)
	}
	writeFile(t, dir, "manifest.json", list)
	writeFile(t, dir, "version", []byte("Directory Transport Version: 1.1\n"))
}

func writeBlobs(t T, dir string, img v1.Image) {
	t.Helper()
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatalf("read a configuration: %v", err)
	}
	writeFile(t, dir, ConfigOf(t, img).Hex, config)
	layers, err := img.Layers()
	if err != nil {
		t.Fatalf("read layers: %v", err)
	}
	for _, layer := range layers {
		content, err := layer.Compressed()
		if err != nil {
			t.Fatalf("read a layer: %v", err)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			t.Fatalf("read a layer: %v", err)
		}
		writeFile(t, dir, DigestOf(t, layer).Hex, data)
	}
}

func writeFile(t T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatalf("write %s: %v", name, err)
	}
}

// DigestOf returns the digest of an image, index or layer.
func DigestOf(t T, content interface{ Digest() (v1.Hash, error) }) v1.Hash {
	t.Helper()
	digest, err := content.Digest()
	if err != nil {
		t.Fatalf("compute a digest: %v", err)
	}
	return digest
}

// ConfigOf returns the digest of an image's configuration: what docker calls its id.
func ConfigOf(t T, img v1.Image) v1.Hash {
	t.Helper()
	digest, err := img.ConfigName()
	if err != nil {
		t.Fatalf("compute a digest: %v", err)
	}
	return digest
}
