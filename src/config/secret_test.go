package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsNeverShowThemselves(t *testing.T) {
	t.Parallel()
	const hidden = "hunter2hunter2hunter2"
	cfg, _, err := Load(Input{Shape: Core, Environ: []string{
		"HARBORHOOK_SECRET=" + hidden,
		"HARBORHOOK_ADMIN_PASSWORD=" + hidden,
		"HARBORHOOK_NOTIFICATION_TOKEN=" + hidden,
		"HARBORHOOK_COMPONENT_TOKEN=" + hidden,
		"HARBORHOOK_ENCRYPTION_KEY=" + hidden,
		"HARBORHOOK_REGISTRY_PASSWORD=" + hidden,
		"HARBORHOOK_DATABASE_URL=postgres://me:" + hidden + "@h/d?sslpassword=" + hidden,
		"HARBORHOOK_REDIS_URL=redis://:" + hidden + "@h/0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := cfg.Print(&out); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s", cfg, cfg, cfg, cfg.Validate(JobService))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("start", "secret", cfg.Secret, "database", cfg.DatabaseURL, "config", cfg)
	if err := json.NewEncoder(&out).Encode(cfg); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), hidden) {
		t.Errorf("a secret is shown:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "postgres://me:********@h/d?sslpassword=********") {
		t.Errorf("the rest of the database URL is not shown:\n%s", out.String())
	}
}

func TestURLsAreMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   "",
		"redis://h:6379/0":                   "redis://h:6379/0",
		"redis://:pw@h:6379/0":               "redis://:********@h:6379/0",
		"postgres://u@h/d":                   "postgres://u@h/d",
		"postgres://u:pw@h/d?password=x&a=b": "postgres://u:********@h/d?password=********&a=b",
		"postgres:///d?host=/run/x":          "postgres:///d?host=/run/x",
		"postgres://u:p%zz@h/d":              mask,
		"host=h password=pw":                 mask,
		"u:pw@h":                             mask,
	} {
		if got := SecretURL(in).String(); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}
