package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/harborhook/harborhook/docs"
	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/core/component"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/core/stream"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/jobservice/client"
	"github.com/harborhook/harborhook/src/portal/apidocs"
	"github.com/harborhook/harborhook/src/store"
)

// core is what happens before the queue.
type core struct {
	auth     *auth.Service
	sessions *auth.Sessions
	cache    *webhook.Cache
	webhooks registry.Handler
	intake   *gate
	handler  http.Handler
}

// newCore puts Core together and adds what it does in the background. Tests of
// policies go through a sender of their own, with the guard of deliveries. The host,
// if there is one, keeps users and projects, and has pages of its own.
func newCore(ctx context.Context, p *parts, shape config.Shape, cfg config.Config, s *store.Store, h *Host, to webhook.JobService, health map[string]func(context.Context) error, m *metrics, o Options) (*core, error) {
	sender, err := newSender(cfg, o)
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(cfg)
	if err != nil {
		return nil, err
	}
	who := identitiesOf(s, h)
	cache := webhook.NewCache(who.store, o.Log)
	queuer := webhook.NewQueuer(o.Tracing.JobService(to), o.Log)
	listeners := stream.New(s, o.Log)
	catalog, formats := event.DefaultCatalog(), payload.DefaultFormats()
	options := payload.Options{ExternalRegistry: cfg.PublicRegistry(), Catalog: catalog}
	render := renderer{formats, options}
	accepting := o.Tracing.Store(accepted{s, o.Log, o.Tracing, listeners.Wake})
	webhooks := o.Tracing.Handler(webhook.NewHandler(cache, accepting, render, queuer))
	source, err := newSource(p, shape, cfg, s, cache, webhooks, m, o)
	if err != nil {
		return nil, err
	}
	m.limit(cfg.BacklogLimit)
	c := &core{
		auth: auth.New(who.auth), cache: cache, webhooks: webhooks,
		intake: &gate{
			intake:  registry.NewIntake(source.interpreter, source.events, m.countIntake, source.options...),
			waiting: s.Waiting, limit: cfg.BacklogLimit, begin: func(ctx context.Context, source string) (context.Context, func(error)) {
				return begin(ctx, source, m, o)
			}, log: o.Log,
		},
	}
	c.sessions = auth.NewSessions(auth.SessionsConfig{
		Store: s, Service: c.auth, Idle: cfg.SessionIdle, Lifetime: cfg.SessionLifetime, Logger: o.Log,
	})
	policies := webhook.NewPolicies(s, cache, webhook.Rules{
		KnownType:   func(t hook.EventType) bool { _, ok := catalog.Lookup(t); return ok },
		TargetTypes: formats.TargetTypes(), FormatsFor: formats.For,
		CheckPayload: func(t hook.Target, types []hook.EventType) error { return formats.Check(t, types, options) },
		CheckAddress: guard.CheckTarget,
	})
	description, err := apidocs.Handler(docs.OpenAPI)
	if err != nil {
		return nil, err
	}
	served := api.Config{
		Store: who.store, Auth: c.auth, Sessions: c.sessions, Identify: who.identify, Intake: c.intake, Catalog: catalog,
		Components: timedComponents{component.NewIntake(component.Config{
			Projects: cache, Memory: source.interpreter, Handler: source.events, Catalog: catalog, Count: m.countComponent,
		}), m, o},
		Policies: policies, Previewer: webhook.NewPreviewer(policies, s), Formats: formats,
		Deliveries: webhook.NewDeliveries(s, queuer), Stream: listeners, Tester: webhook.NewTester(samples(catalog), render, sender, time.Now),
		TestLimit:      webhook.NewTestLimit(time.Now),
		ComponentToken: cfg.ComponentToken.Reveal(), NotificationToken: cfg.NotificationToken.Reveal(), NotificationRefused: m.countRefused, AuthFailed: m.countAuthFailure,
		Insider: insider(cfg.InternalNetworks.Prefixes()),
		Health:  health, Docs: description, Metrics: m.handler(), Version: o.Version, Registry: cfg.PublicRegistry(), Logger: o.Log,
	}
	if h == nil {
		served.Portal = newPortal(served, s)
	}
	handlers := api.New(served)
	c.handler = behindProxies(cfg.TrustedProxies.Prefixes(), o.Tracing.Incoming(handlers))
	if cfg.InternalAddr != "" {
		c.handler = behindProxies(cfg.TrustedProxies.Prefixes(), handlers.Public())
		if err := addInternal(ctx, p, cfg, o.Tracing.Incoming(handlers.Internal()), o); err != nil {
			return nil, err
		}
	}
	p.add("cache", cache.Run)
	p.add("backlog", c.intake.Run)
	p.add("submitter", queuer.Run)
	p.add("sessions", c.sessions.Run)
	p.add("stream", listeners.Run)
	p.add("tag memory", func(ctx context.Context) error { return forgetHeads(ctx, s, o) })
	return c, nil
}

// timedComponents observes how long it takes to accept what components tell.
type timedComponents struct {
	*component.Intake
	metrics *metrics
	options Options
}

// Events implements api.Components.
func (t timedComponents) Events(ctx context.Context, body []byte) (int, error) {
	ctx, done := begin(ctx, sourceComponent, t.metrics, t.options)
	n, err := t.Intake.Events(ctx, body)
	done(err)
	return n, err
}

// begin observes and traces what comes of a message; call the result with the error.
func begin(ctx context.Context, source string, m *metrics, o Options) (context.Context, func(error)) {
	ctx, traced := o.Tracing.Receive(ctx, source)
	timed := m.accepting(source)
	return ctx, func(err error) {
		timed(err)
		traced(err)
	}
}

// addInternal serves what only other programs use at an address of its own.
func addInternal(ctx context.Context, p *parts, cfg config.Config, handler http.Handler, o Options) error {
	l, err := listen(ctx, "HARBORHOOK_INTERNAL_ADDR", cfg.InternalAddr)
	if err != nil {
		return err
	}
	p.add("internal endpoints", serve(api.NewServer(cfg.InternalAddr, behindProxies(cfg.TrustedProxies.Prefixes(), handler)), l, o.Log))
	return nil
}

func samples(catalog *event.Catalog) webhook.Samples {
	return func(name hook.EventType) (hook.Event, bool) {
		t, ok := catalog.Lookup(name)
		return t.Sample, ok
	}
}

// renderer writes bodies with the options of this installation.
type renderer struct {
	formats *payload.Formats
	options payload.Options
}

// Render implements webhook.Renderer.
func (r renderer) Render(e hook.Event, p hook.Policy, t hook.Target) (body []byte, contentType string, err error) {
	return r.formats.Render(e, t, r.of(p))
}

// EventName implements webhook.Renderer.
func (r renderer) EventName(e hook.Event, p hook.Policy) string { return r.of(p).EventName(e) }

func (r renderer) of(p hook.Policy) payload.Options {
	o := r.options
	o.PolicyID, o.Subscribed, o.Naming = p.ID, p.HookTypes, p.Naming
	return o
}

// product begins the name of every process of this module, of whatever version.
const product = "harborhook/"

// userAgent is what this module calls itself in every request it makes.
func userAgent(o Options) string { return product + o.Version }

// A HEAD request names the tag of a pull seconds later, by the registry's clock.
// A day leaves room for a registry that was held up and tells late.
const (
	forgetHeadsEvery = 10 * time.Minute
	headsKept        = 24 * time.Hour
)

func forgetHeads(ctx context.Context, s *store.Store, o Options) error {
	ticker := time.NewTicker(forgetHeadsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if err := s.ForgetHeads(ctx, now.Add(-headsKept)); err != nil {
				o.Log.Warn("cannot tidy the tag memory", "error", err)
			}
		}
	}
}

func runCore(ctx context.Context, cfg config.Config, o Options) (err error) {
	l, err := listen(ctx, "HARBORHOOK_CORE_ADDR", cfg.CoreAddr)
	if err != nil {
		return err
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := bootstrap(ctx, cfg, s); err != nil {
		return errors.Join(err, l.Close())
	}
	warmed(s.WarmIntake(ctx), o.Log)
	m := newMetrics(config.Core, o.Version)
	m.watchStore(s)
	m.watchTracing(o.Tracing)
	p := &parts{}
	jobService := client.New(cfg.JobServiceURL, cfg.Secret.Reveal())
	c, err := newCore(ctx, p, config.Core, cfg, s, nil, jobService, map[string]func(context.Context) error{"jobservice": jobService.Ping}, m, o)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	p.add("core", serve(api.NewServer(cfg.CoreAddr, c.handler), l, o.Log))
	if err := startDebug(ctx, p, cfg.DebugAddr, o.Log); err != nil {
		return err
	}
	o.Log.Info("core is ready", "addr", l.Addr().String(), "version", o.Version)
	return p.run(ctx)
}
