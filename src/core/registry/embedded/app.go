package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/docker/distribution"
	"github.com/docker/distribution/configuration"
	registryauth "github.com/docker/distribution/registry/auth"
	"github.com/docker/distribution/registry/handlers"
	repositorymiddleware "github.com/docker/distribution/registry/middleware/repository"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem" // the only storage
)

const (
	// plugin is the name under which docker/distribution finds our access
	// controller and our middleware.
	plugin = "harborhook"
	// option is where their options hold the Registry they work for.
	option = "registry"
)

// register makes the plug-ins known. docker/distribution keeps them in tables of
// the process, without a lock: hence once, before the first App is built.
var register = sync.OnceValue(func() error {
	return errors.Join(
		registryauth.Register(plugin, func(options map[string]interface{}) (registryauth.AccessController, error) {
			r, err := registryOf(options)
			return r.access(), err
		}),
		repositorymiddleware.Register(plugin, func(_ context.Context, inner distribution.Repository, options map[string]interface{}) (distribution.Repository, error) {
			r, err := registryOf(options)
			return &repository{Repository: inner, registry: r}, err
		}),
	)
})

func registryOf(options map[string]interface{}) (*Registry, error) {
	r, ok := options[option].(*Registry)
	if !ok {
		return &Registry{}, fmt.Errorf("option %q holds no registry", option)
	}
	return r, nil
}

// newApp builds docker/distribution's handler, which panics where others return
// an error.
func newApp(ctx context.Context, r *Registry) (app http.Handler, err error) {
	if err := register(); err != nil {
		return nil, fmt.Errorf("register with docker/distribution: %w", err)
	}
	if err := os.MkdirAll(r.config.RootDirectory, 0o700); err != nil {
		return nil, fmt.Errorf("create registry folder: %w", err)
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("start registry: %v", cause)
		}
	}()
	return handlers.NewApp(ctx, configurationOf(r)), nil
}

func configurationOf(r *Registry) *configuration.Configuration {
	c := &configuration.Configuration{
		Version: configuration.CurrentVersion,
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": r.config.RootDirectory},
			"delete":     {"enabled": true},
			"cache":      {"blobdescriptor": "inmemory"},
			// The purger could not be stopped.
			"maintenance": {"uploadpurging": map[interface{}]interface{}{"enabled": false}},
		},
		Auth: configuration.Auth{plugin: {option: r}},
		Middleware: map[string][]configuration.Middleware{
			"repository": {{Name: plugin, Options: configuration.Parameters{option: r}}},
		},
	}
	c.HTTP.Secret = r.config.HTTPSecret
	// With relative URLs no Host header gets into an answer.
	c.HTTP.RelativeURLs = true
	c.HTTP.Headers = http.Header{"X-Content-Type-Options": {"nosniff"}}
	// Zero, which a configuration file cannot express, would empty the catalog.
	c.Catalog.MaxEntries = 1000
	return c
}
