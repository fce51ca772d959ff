package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/harborhook/harborhook/src/core/registry"
)

// manifestTypes are what is asked for. A registry converts what is not named.
var manifestTypes = strings.Join([]string{
	"application/vnd.oci.image.manifest.v1+json",
	"application/vnd.oci.image.index.v1+json",
	"application/vnd.oci.artifact.manifest.v1+json",
	"application/vnd.docker.distribution.manifest.v2+json",
	"application/vnd.docker.distribution.manifest.list.v2+json",
	"application/vnd.docker.distribution.manifest.v1+prettyjws",
}, ", ")

// Names as registries accept them. They stand in paths.
var (
	repositoryName = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	tagName        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

// Manifest implements registry.Contents: it reads a manifest by its digest and
// checks that it is the one. One that the registry does not have is a
// hook.ErrNotFound.
func (c *Client) Manifest(ctx context.Context, repository, dgst string) (registry.Content, error) {
	d, err := digest.Parse(dgst)
	if err != nil || !repositoryName.MatchString(repository) {
		return registry.Content{}, fmt.Errorf("read manifest %q of %q: no name of a manifest", dgst, repository)
	}
	got, err := c.do(ctx, request{
		method: http.MethodGet, path: "/v2/" + repository + "/manifests/" + dgst, accept: manifestTypes, scope: pull(repository), most: maxManifest,
	})
	if err != nil {
		return registry.Content{}, fmt.Errorf("read manifest %s of %s: %w", dgst, repository, err)
	}
	mediaType, _, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil {
		return registry.Content{}, fmt.Errorf("read manifest %s of %s: it has no media type", dgst, repository)
	}
	// A signed schema 1 manifest has the digest of a part of itself.
	if d != d.Algorithm().FromBytes(got.body) && !strings.HasSuffix(mediaType, "prettyjws") {
		return registry.Content{}, fmt.Errorf("read manifest %s of %s: another one came", dgst, repository)
	}
	return registry.Content{MediaType: mediaType, Body: got.body}, nil
}

// TagDigest returns the digest that a tag points at, or hook.ErrNotFound.
func (c *Client) TagDigest(ctx context.Context, repository, tag string) (string, error) {
	if !tagName.MatchString(tag) || !repositoryName.MatchString(repository) {
		return "", fmt.Errorf("look up tag %q of %q: no name of a tag", tag, repository)
	}
	got, err := c.do(ctx, request{
		method: http.MethodHead, path: "/v2/" + repository + "/manifests/" + tag, accept: manifestTypes, scope: pull(repository), most: maxAnswer,
	})
	if err != nil {
		return "", fmt.Errorf("look up tag %s of %s: %w", tag, repository, err)
	}
	d, err := digest.Parse(got.header.Get("Docker-Content-Digest"))
	if err != nil {
		return "", fmt.Errorf("look up tag %s of %s: %w", tag, repository, errNoDigest)
	}
	return d.String(), nil
}

var errNoDigest = errors.New("the registry does not tell its digest")

// isErrorList says whether a body is an error as registries write it.
func isErrorList(body []byte) bool {
	var in struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	return json.Unmarshal(body, &in) == nil && len(in.Errors) > 0 && in.Errors[0].Code != ""
}
