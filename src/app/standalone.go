package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/registry/embedded"
)

// runStandalone runs Core, JobService and a registry in one process, over SQLite
// and a Redis inside it unless others are configured.
func runStandalone(ctx context.Context, cfg config.Config, o Options) (err error) {
	cfg, generated, err := config.EnsureSecrets(cfg, cfg.DataDir)
	if err != nil {
		return err
	}
	listeners, err := listenAll(ctx, cfg)
	if err != nil {
		return err
	}
	t, err := newTogether(ctx, config.Standalone, cfg, nil, o)
	if err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	defer func() { err = errors.Join(err, t.close()) }()
	p, s, c, m := t.parts, t.store, t.core, t.metrics
	images, err := embedded.New(ctx, embedded.Config{
		RootDirectory: registryDir(cfg), HTTPSecret: derive(cfg.Secret.Reveal(), "registry uploads"),
		Auth: c.auth, Projects: c.cache, Sink: gated(c.intake, c.intake.intake.Events), Logger: o.Log,
	})
	if err != nil {
		return errors.Join(fmt.Errorf("start the registry: %w", err), closeAll(listeners))
	}
	own, err := ownComparison(ctx, cfg, s, c.cache, recoveries{c.webhooks, m}, o)
	if err != nil {
		return errors.Join(err, closeAll(listeners))
	}
	p.add("comparison at start", compareOnce(own, o))
	m.countLostPulls(images.LostPulls)
	p.add("core", serve(api.NewServer(cfg.CoreAddr, c.handler), listeners[0], o.Log))
	p.add("jobservice", serve(internalServer(jobServiceHandler(cfg, t.service, s, m, o)), listeners[1], o.Log))
	p.add("registry", serve(internalServer(behindProxies(cfg.TrustedProxies.Prefixes(), o.Tracing.Incoming(images))), listeners[2], o.Log))
	if err := startDebug(ctx, p, cfg.DebugAddr, o.Log); err != nil {
		return err
	}
	announce(cfg, slices.Contains(generated, "HARBORHOOK_ADMIN_PASSWORD"), o)
	err = p.run(ctx)
	// A request that was cut off may still be storing its event.
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	return errors.Join(err, images.Shutdown(stopping))
}

// lastWords is how long requests that were cut off may take to notice it.
const lastWords = 2 * time.Second

// derive makes a secret for one purpose out of another, so that neither tells
// the other.
func derive(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(purpose))
	return hex.EncodeToString(mac.Sum(nil))
}

// listenAll opens the addresses of Core, JobService and the registry.
func listenAll(ctx context.Context, cfg config.Config) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, a := range []struct{ variable, addr string }{
		{"HARBORHOOK_CORE_ADDR", cfg.CoreAddr},
		{"HARBORHOOK_JOBSERVICE_ADDR", cfg.JobServiceAddr},
		{"HARBORHOOK_REGISTRY_ADDR", cfg.RegistryAddr},
	} {
		l, err := listen(ctx, a.variable, a.addr)
		if err != nil {
			return nil, errors.Join(err, closeAll(listeners))
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// announce tells a person where everything is and what to try.
func announce(cfg config.Config, newPassword bool, o Options) {
	password := "in " + config.SecretPath(cfg.DataDir, "admin_password")
	switch {
	case newPassword:
		password = cfg.AdminPassword.Reveal() + "   (shown this once; kept " + password + ")"
	case cfg.AdminPassword != "":
		password = "as set, or " + password
	}
	fmt.Fprintf(o.Out, `
harborhook %s is running.

  portal     http://%s/
  API        http://%s/api/   (user admin)
  registry   %s   (docker login, skopeo, crane, helm, oras; project library is public)
  password   %s

Next, in another terminal: make demo
Stop with Ctrl-C.

`, o.Version, cfg.CoreAddr, cfg.CoreAddr, cfg.RegistryAddr, password)
}
