package main

import (
	"context"
	"errors"
	"time"
)

// historyRan is the same load with nothing in the tables and with a history.
type historyRan struct {
	// deliveries of the history, and how long it took to make it.
	deliveries  int
	filled      time.Duration
	warm        ran
	empty, full ran
}

// share is the throughput with a history as a part of that without.
func (h historyRan) share() float64 {
	empty := perSecond(h.empty.deliveries(), h.empty.took)
	if empty == 0 {
		return 0
	}
	return perSecond(h.full.deliveries(), h.full.took) / empty
}

// compareHistory measures one load before and after the tables are filled with
// finished deliveries.
func (b *bench) compareHistory(ctx context.Context) (h *historyRan, err error) {
	db, err := b.sys.openDatabase()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	h = &historyRan{deliveries: b.history}
	if h.warm, err = b.warmUp(ctx); err != nil {
		return nil, err
	}
	if err := db.rest(ctx); err != nil {
		return nil, err
	}
	l := load{name: "bench-empty", title: "empty tables", events: b.events, policies: 1, senders: b.senders, connections: b.senders}
	l.beside = "empty tables"
	if h.empty, err = b.load(ctx, l); err != nil {
		return nil, err
	}
	b.say("filling the tables with %s finished deliveries", thousands(b.history))
	began := time.Now()
	if err := db.multiply(ctx, l.name, b.history); err != nil {
		return nil, err
	}
	if err := db.rest(ctx); err != nil {
		return nil, err
	}
	h.filled = time.Since(began)
	l.name, l.title, l.profiled = "bench-full", "full tables", true
	l.beside = thousands(b.history) + " finished deliveries in the tables"
	if h.full, err = b.load(ctx, l); err != nil {
		return nil, err
	}
	b.say("full tables: %.0f %% of the throughput of empty ones", 100*h.share())
	return h, b.lookAgain(ctx, &h.warm.outcome, &h.empty.outcome, &h.full.outcome)
}

// warmUp is a load that a new system has behind it when it is measured.
func (b *bench) warmUp(ctx context.Context) (ran, error) {
	return b.load(ctx, load{name: "bench-warm", title: "warming up", events: max(1, b.events/5), policies: 1, senders: b.senders, connections: b.senders})
}
