package app

import (
	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/registry"
	"github.com/harborhook/harborhook/src/core/registry/enrich"
	"github.com/harborhook/harborhook/src/core/registry/reconcile"
	"github.com/harborhook/harborhook/src/core/registry/upstream"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/store"
)

// source is how Core hears of what happens in registries.
type source struct {
	interpreter *registry.Interpreter
	events      *event.Handler
	options     []registry.IntakeOption
}

// newSource puts the handlers of events together, and starts what reads from the
// configured registry, if there is one. Only Core compares it with the tag memory:
// the standalone shape has a registry of its own that is compared.
func newSource(p *parts, shape config.Shape, cfg config.Config, s *store.Store, cache *webhook.Cache, webhooks registry.Handler, m *metrics, o Options) (*source, error) {
	client, err := newUpstream(cfg, o)
	if err != nil {
		return nil, err
	}
	src := &source{interpreter: newInterpreter(s, cache, client != nil), options: []registry.IntakeOption{registry.WithReceived(m.countReceived)}}
	enrichment := enrich.Config{Store: s, Completer: src.interpreter, Handler: webhooks, Log: o.Log}
	if client != nil {
		enrichment.Contents = client
	}
	enricher := enrich.New(enrichment)
	src.events = event.NewHandler(webhooks, enricher)
	p.add("enricher", enricher.Run)
	if client != nil && shape == config.Core {
		watcher := reconcile.NewWatcher(reconcile.New(reconcile.Config{
			Registry: client, Store: s, Projects: cache, Interpreter: src.interpreter, Handler: recoveries{webhooks, m},
			Settle: reconcile.DefaultSettle, Log: o.Log,
		}))
		src.options = append(src.options, registry.WithSources(watcher.Seen))
		p.add("registry watcher", watcher.Run)
	}
	return src, nil
}

// newUpstream returns a client of the configured registry, or nil.
func newUpstream(cfg config.Config, o Options) (*upstream.Client, error) {
	if cfg.RegistryURL == "" {
		return nil, nil
	}
	return upstream.New(upstream.Config{
		URL: cfg.RegistryURL, Username: cfg.RegistryUsername, Password: cfg.RegistryPassword.Reveal(), UserAgent: userAgent(o),
	})
}

func newInterpreter(s *store.Store, cache *webhook.Cache, readable bool) *registry.Interpreter {
	options := []registry.Option{registry.WithOwnUserAgents(product)}
	if readable {
		options = append(options, registry.WithLookUp(), registry.WithRecovery())
	}
	return registry.NewInterpreter(s, cache, options...)
}
