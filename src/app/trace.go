package app

import (
	"context"
	"time"

	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice"
	"github.com/harborhook/harborhook/src/tracing"
)

// tracedJobs has claims and outcomes of a store be spans, unless t is nil.
func tracedJobs(s jobservice.Store, t *tracing.Tracing) jobservice.Store {
	if t == nil {
		return s
	}
	return traced{s, t}
}

type traced struct {
	jobservice.Store
	tracing *tracing.Tracing
}

// Claim implements jobservice.Store.
func (t traced) Claim(ctx context.Context, ids []int64, lease time.Duration, except ...string) ([]hook.Delivery, error) {
	claimed, err := t.Store.Claim(ctx, ids, lease, except...)
	t.tracing.Claimed(claimed)
	return claimed, err
}

// Finish implements jobservice.Store.
func (t traced) Finish(ctx context.Context, o hook.Outcome) (bool, error) {
	ctx, done := t.tracing.Recording(ctx, o)
	ours, err := t.Store.Finish(ctx, o)
	done(err)
	return ours, err
}
