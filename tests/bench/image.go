package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// pusher is a client of the registry inside the standalone shape.
type pusher struct {
	base, password string
	client         *http.Client
}

const (
	mediaTypeManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaTypeConfig   = "application/vnd.oci.image.config.v1+json"
	mediaTypeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// blobSize is the size of the one layer of each image, in bytes.
const blobSize = 64 << 10

// prepare pushes the blobs of a new image and returns its manifest, which is
// still to be pushed.
func (p *pusher) prepare(ctx context.Context, repository string) (manifest []byte, err error) {
	layer := make([]byte, blobSize)
	rand.Read(layer)
	config := fmt.Appendf(nil, `{"architecture":"amd64","os":"linux","config":{"Labels":{"build":%q}},"rootfs":{"type":"layers","diff_ids":[%q]}}`,
		rand.Text(), digestOf(layer))
	for _, blob := range [][]byte{config, layer} {
		if err := p.pushBlob(ctx, repository, blob); err != nil {
			return nil, err
		}
	}
	type descriptor struct {
		MediaType string `json:"mediaType"`
		Digest    string `json:"digest"`
		Size      int    `json:"size"`
	}
	return json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": mediaTypeManifest,
		"config": descriptor{mediaTypeConfig, digestOf(config), len(config)},
		"layers": []descriptor{{mediaTypeLayer, digestOf(layer), len(layer)}},
	})
}

func digestOf(blob []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(blob)) }

func (p *pusher) pushBlob(ctx context.Context, repository string, blob []byte) error {
	place, err := p.do(ctx, http.MethodPost, p.base+"/v2/"+repository+"/blobs/uploads/", "", nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	query := place.Query()
	query.Set("digest", digestOf(blob))
	place.RawQuery = query.Encode()
	_, err = p.do(ctx, http.MethodPut, place.String(), "application/octet-stream", blob, http.StatusCreated)
	return err
}

// pushManifest is what raises the event.
func (p *pusher) pushManifest(ctx context.Context, repository, tag string, manifest []byte) error {
	_, err := p.do(ctx, http.MethodPut, p.base+"/v2/"+repository+"/manifests/"+tag, mediaTypeManifest, manifest, http.StatusCreated)
	return err
}

// do makes one request and returns the Location of the answer.
func (p *pusher) do(ctx context.Context, method, address, contentType string, body []byte, want int) (*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(adminUser, p.password)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("push: %s %s: %d %s", method, req.URL.Path, resp.StatusCode, text)
	}
	place, err := resp.Location()
	if err != nil {
		return nil, fmt.Errorf("push: %s %s: %w", method, req.URL.Path, err)
	}
	return place, nil
}
