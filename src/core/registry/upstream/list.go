package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/harborhook/harborhook/src/hook"
)

const (
	// pageSize is what every registry allows.
	pageSize = 100
	// maxPages bounds a list: a million names.
	maxPages = 10_000
)

// Repositories returns the full names of all repositories. A list that could not
// be read to its end is an error.
func (c *Client) Repositories(ctx context.Context) ([]string, error) {
	names, err := c.pages(ctx, "/v2/_catalog", "registry:catalog:*", func(body []byte) ([]string, error) {
		var in struct {
			Repositories []string `json:"repositories"`
		}
		err := json.Unmarshal(body, &in)
		return in.Repositories, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the repositories: %w", err)
	}
	return names, nil
}

// Tags returns the names of all tags of a repository, none if there is no such
// repository. A list that could not be read to its end is an error.
func (c *Client) Tags(ctx context.Context, repository string) ([]string, error) {
	if !repositoryName.MatchString(repository) {
		return nil, fmt.Errorf("list the tags of %q: no name of a repository", repository)
	}
	names, err := c.pages(ctx, "/v2/"+repository+"/tags/list", pull(repository), func(body []byte) ([]string, error) {
		var in struct {
			Tags []string `json:"tags"`
		}
		err := json.Unmarshal(body, &in)
		return in.Tags, err
	})
	if err != nil && !errors.Is(err, hook.ErrNotFound) {
		return nil, fmt.Errorf("list the tags of %s: %w", repository, err)
	}
	return names, nil
}

// pages reads a list to its end. The first page may be a hook.ErrNotFound.
func (c *Client) pages(ctx context.Context, path, scope string, read func(body []byte) ([]string, error)) ([]string, error) {
	var names []string
	query := url.Values{"n": {strconv.Itoa(pageSize)}}
	last := ""
	for range maxPages {
		got, err := c.do(ctx, request{method: http.MethodGet, path: path, query: query, scope: scope, most: maxList})
		if err != nil {
			return nil, err
		}
		page, err := read(got.body)
		if err != nil {
			return nil, fmt.Errorf("the list is no JSON: %w", err)
		}
		names = append(names, page...)
		next, more := nextPage(got.header)
		switch {
		case !more:
			return names, nil
		case next == last:
			return nil, errors.New("the list has no end")
		}
		last = next
		query.Set("last", next)
	}
	return nil, fmt.Errorf("the list has more than %d pages", maxPages)
}

// nextPage reads where the next page begins, from a header such as
// </v2/_catalog?last=b&n=100>; rel="next". Nothing else of the link counts.
func nextPage(header http.Header) (last string, more bool) {
	for _, link := range header.Values("Link") {
		address, relation, _ := strings.Cut(link, ">")
		if !strings.Contains(relation, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.TrimPrefix(strings.TrimSpace(address), "<"))
		if err != nil {
			return "", true // a page that cannot be asked for: the list has no end
		}
		return u.Query().Get("last"), true
	}
	return "", false
}
