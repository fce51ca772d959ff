package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/core/payload"
	"github.com/harborhook/harborhook/src/core/registry/embedded"
	"github.com/harborhook/harborhook/src/core/registry/reconcile"
	"github.com/harborhook/harborhook/src/core/registry/upstream"
	"github.com/harborhook/harborhook/src/core/webhook"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// Reconcile compares the registry with the tag memory once, raises the events that
// nobody told, and says on o.Out what it finds: with a database URL the registry
// that Core is configured with, otherwise the storage of the standalone shape's.
// JobService, which runs elsewhere, finds the deliveries by itself.
func Reconcile(ctx context.Context, cfg config.Config, o Options) (err error) {
	if cfg.DatabaseURL == "" {
		if cfg, err = config.ReadSecrets(cfg, cfg.DataDir); err != nil {
			return err
		}
		if _, err := os.Stat(sqlitePath(cfg)); err != nil {
			return fmt.Errorf("there is no database to compare with; HARBORHOOK_DATA_DIR is %q: %w", cfg.DataDir, err)
		}
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	cache := webhook.NewCache(s, o.Log)
	render := renderer{payload.DefaultFormats(), payload.Options{ExternalRegistry: cfg.PublicRegistry(), Catalog: event.DefaultCatalog()}}
	c, source, err := comparison(ctx, cfg, s, cache, webhook.NewHandler(cache, s, render, nobody{}), o)
	if err != nil {
		return err
	}
	c.Report = func(line string) { fmt.Fprintln(o.Out, line) }
	summary, err := reconcile.New(c).Reconcile(ctx, source)
	fmt.Fprintln(o.Out, described(summary))
	return err
}

// described says what a comparison came to.
func described(s reconcile.Summary) string {
	if s.First {
		return fmt.Sprintf("This was the first comparison: %d tags were learned, and nothing is raised for them.", s.Learned)
	}
	return fmt.Sprintf("Compared %d tags in %d repositories: %d missed events raised.", s.Tags, s.Repositories, s.Raised)
}

// nobody takes no hints: JobService looks for jobs every second.
type nobody struct{}

// Submit implements webhook.Submitter.
func (nobody) Submit([]int64) {}

// comparison says what is to be compared, and under which name that is remembered.
func comparison(ctx context.Context, cfg config.Config, s *store.Store, cache *webhook.Cache, webhooks *webhook.Handler, o Options) (reconcile.Config, hook.RegistrySource, error) {
	if cfg.DatabaseURL == "" {
		c, err := ownComparison(ctx, cfg, s, cache, webhooks, o)
		return c, ownSource(), err
	}
	client, err := newUpstream(cfg, o)
	if err != nil {
		return reconcile.Config{}, hook.RegistrySource{}, err
	}
	if client == nil {
		return reconcile.Config{}, hook.RegistrySource{}, errors.New("HARBORHOOK_REGISTRY_URL is not set, so there is nothing to compare with; set it to the registry's address")
	}
	u, err := url.Parse(cfg.RegistryURL)
	if err != nil {
		return reconcile.Config{}, hook.RegistrySource{}, errors.New("HARBORHOOK_REGISTRY_URL cannot be parsed")
	}
	return reconcile.Config{
		Registry: client, Store: s, Projects: cache, Interpreter: newInterpreter(s, cache, true), Handler: webhooks,
		Settle: reconcile.DefaultSettle, Log: o.Log,
	}, hook.RegistrySource{Addr: u.Host}, nil
}

// ownSource is the name of the registry in this process. Its storage is one,
// however often it is started.
func ownSource() hook.RegistrySource { return hook.RegistrySource{Addr: embedded.SourceAddr} }

// ownComparison compares the storage of the standalone shape's registry. A kill
// between setting a tag and storing its event leaves a tag that nobody told of.
// Deletions are told before they happen, and what is missing there may be in
// another registry that notifies this process: tags are left alone.
func ownComparison(ctx context.Context, cfg config.Config, s *store.Store, cache *webhook.Cache, webhooks reconcile.Handler, o Options) (reconcile.Config, error) {
	images, err := embedded.NewViewer(ctx, registryDir(cfg), cache)
	if err != nil {
		return reconcile.Config{}, fmt.Errorf("open the registry's storage: %w", err)
	}
	client, err := upstream.New(upstream.Config{
		URL: "http://" + embedded.SourceAddr, Username: "reconcile", Password: "reconcile", UserAgent: userAgent(o), Handler: images,
	})
	return reconcile.Config{
		Registry: client, Store: s, Projects: cache, Interpreter: newInterpreter(s, cache, false), Handler: webhooks,
		Settle: reconcile.DefaultSettle, KeepTags: true, Log: o.Log,
	}, err
}

// compareOnce compares the registry's own storage at the start of the standalone
// shape, beside everything else.
func compareOnce(c reconcile.Config, o Options) func(context.Context) error {
	return func(ctx context.Context) error {
		summary, err := reconcile.New(c).Reconcile(ctx, ownSource())
		if err != nil && ctx.Err() == nil {
			o.Log.Warn("cannot compare the registry's storage with the tag memory", "error", err)
		}
		if summary.Raised > 0 {
			o.Log.Info("recovered what the last run did not get to tell", "events", summary.Raised)
		}
		return nil
	}
}
