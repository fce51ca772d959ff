package client

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Delivery is one event on its way to one target.
type Delivery struct {
	ID            int64      `json:"id"`
	UUID          string     `json:"uuid"`
	PolicyID      int64      `json:"policy_id"`
	PolicyName    string     `json:"policy_name"`
	EventType     string     `json:"event_type"`
	Status        string     `json:"status"`
	StatusMessage string     `json:"status_message"`
	Repository    string     `json:"repository"`
	Tag           string     `json:"tag"`
	Digest        string     `json:"digest"`
	Target        string     `json:"target"`
	Attempts      int        `json:"attempts"`
	HTTPStatus    int        `json:"http_status"`
	NextAt        *time.Time `json:"next_at"`
	RedeliveryOf  int64      `json:"redelivery_of"`
	CreationTime  time.Time  `json:"creation_time"`
	UpdateTime    time.Time  `json:"update_time"`
	// JobDetail is the body. In a stream, it and the headers that are sent with it
	// are there if they were asked for.
	JobDetail string            `json:"job_detail"`
	Headers   map[string]string `json:"headers"`
}

// Redelivered is what became of a call for many redeliveries: how many there are and
// were left out, or the bulk that works them off.
type Redelivered struct {
	Count   int    `json:"count"`
	Skipped int    `json:"skipped"`
	ID      int64  `json:"id"`
	Status  string `json:"status"`
	Total   int    `json:"total"`
}

// Deliveries returns the newest deliveries that fit a filter, newest first, most at
// most. The API lists those of one policy: without a policy_id in the filter, each
// policy that the project has is asked for.
func (c *Client) Deliveries(ctx context.Context, project string, filter url.Values, most int) ([]Object[Delivery], error) {
	if filter.Get("policy_id") != "" {
		return c.deliveriesOf(ctx, project, filter, most)
	}
	policies, err := c.Policies(ctx, project)
	if err != nil {
		return nil, err
	}
	var all []Object[Delivery]
	for _, p := range policies {
		one := maps.Clone(filter)
		if one == nil {
			one = url.Values{}
		}
		one.Set("policy_id", strconv.FormatInt(p.Value.ID, 10))
		found, err := c.deliveriesOf(ctx, project, one, most)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b Object[Delivery]) int { return cmp.Compare(b.Value.ID, a.Value.ID) })
	return all[:min(most, len(all))], nil
}

func (c *Client) deliveriesOf(ctx context.Context, project string, filter url.Values, most int) ([]Object[Delivery], error) {
	query := maps.Clone(filter)
	size := min(most, pageSize)
	query.Set("page_size", strconv.Itoa(size))
	var all []Object[Delivery]
	for number := 1; ; number++ {
		query.Set("page", strconv.Itoa(number))
		var page []Object[Delivery]
		if err := c.read(ctx, http.MethodGet, webhooks(project)+"/jobs?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < size || len(all) >= most {
			return all[:min(most, len(all))], nil
		}
	}
}

// Delivery returns one delivery.
func (c *Client) Delivery(ctx context.Context, project string, id int64) (Object[Delivery], error) {
	var d Object[Delivery]
	err := c.read(ctx, http.MethodGet, fmt.Sprintf("%s/jobs/%d", webhooks(project), id), nil, &d)
	return d, err
}

// Attempts returns the attempts of a delivery, first to last.
func (c *Client) Attempts(ctx context.Context, project string, id int64) ([]json.RawMessage, error) {
	var all []json.RawMessage
	err := c.read(ctx, http.MethodGet, fmt.Sprintf("%s/jobs/%d/attempts", webhooks(project), id), nil, &all)
	return all, err
}

// Log returns the attempts of a delivery as text for people.
func (c *Client) Log(ctx context.Context, project string, id int64) (string, error) {
	r, err := c.do(ctx, http.MethodGet, fmt.Sprintf("%s/jobs/%d/log", webhooks(project), id), nil)
	return string(r.body), err
}

// Redeliver delivers one delivery once more and returns the new one.
func (c *Client) Redeliver(ctx context.Context, project string, id int64) (Object[Delivery], error) {
	var again Object[Delivery]
	err := c.read(ctx, http.MethodPost, fmt.Sprintf("%s/jobs/%d/redeliver", webhooks(project), id), nil, &again)
	return again, err
}

// RedeliverAll delivers once more all that fits the body's filter.
func (c *Client) RedeliverAll(ctx context.Context, project string, body map[string]any) (Object[Redelivered], error) {
	var done Object[Redelivered]
	err := c.read(ctx, http.MethodPost, webhooks(project)+"/jobs/redeliver", body, &done)
	return done, err
}
