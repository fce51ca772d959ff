package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachSourceWinsOverTheOneBefore(t *testing.T) {
	t.Parallel()
	file := write(t, "h.yml", "core_addr: file:1\njobservice_addr: file:2\nregistry_addr: file:3\n")
	cfg, warnings, err := Load(Input{
		Shape:   Standalone,
		File:    file,
		Environ: []string{"HARBORHOOK_JOBSERVICE_ADDR=env:2", "HARBORHOOK_REGISTRY_ADDR=env:3", "HOME=/home/somebody"},
		Flags:   map[string]string{"HARBORHOOK_REGISTRY_ADDR": "flag:3"},
	})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("Load: %v, warnings %q", err, warnings)
	}
	got := map[string][2]string{}
	for _, v := range cfg.Describe() {
		got[v.Variable] = [2]string{v.Value, v.From}
	}
	for variable, want := range map[string][2]string{
		"HARBORHOOK_DATA_DIR":        {"./data", "default"},
		"HARBORHOOK_CORE_ADDR":       {"file:1", "file"},
		"HARBORHOOK_JOBSERVICE_ADDR": {"env:2", "environment"},
		"HARBORHOOK_REGISTRY_ADDR":   {"flag:3", "flag"},
	} {
		if got[variable] != want {
			t.Errorf("%s = %q, want %q", variable, got[variable], want)
		}
	}
}

func TestEveryTypeOfValueIsRead(t *testing.T) {
	t.Parallel()
	cfg, _, err := Load(Input{Shape: Core, Environ: []string{
		"HARBORHOOK_WORKERS=7",
		"HARBORHOOK_RETENTION=90d",
		"HARBORHOOK_RETRY_BACKOFF=10ms, 1m",
		"HARBORHOOK_ALLOWED_NETWORKS=private,fd12::/16",
		"HARBORHOOK_ALLOWED_PORTS=80,8443",
		"HARBORHOOK_LOG_LEVEL=debug",
		"HARBORHOOK_SECRET=s3cret",
		"HARBORHOOK_DATABASE_URL=postgres://h/d?a=b=c",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Default(Core)
	want.Workers = 7
	want.Retention = 90 * 24 * time.Hour
	want.RetryBackoff = Waits{10 * time.Millisecond, time.Minute}
	want.AllowedNetworks = Networks{"private", "fd12::/16"}
	want.AllowedPorts = Ports{80, 8443}
	want.LogLevel = slog.LevelDebug
	want.Secret = "s3cret"
	want.DatabaseURL = "postgres://h/d?a=b=c"
	cfg.origins = nil
	if d := cmp.Diff(want, cfg, cmp.AllowUnexported(Config{})); d != "" {
		t.Error(d)
	}
}

func TestAnEmptyBackoffMeansNoRetry(t *testing.T) {
	t.Parallel()
	cfg, _, err := Load(Input{Environ: []string{"HARBORHOOK_RETRY_BACKOFF="}})
	if err != nil || len(cfg.RetryBackoff) != 0 {
		t.Errorf("waits %v, error %v; want none", cfg.RetryBackoff, err)
	}
}

func TestTheFileIsNamedByFlagOrEnvironment(t *testing.T) {
	t.Parallel()
	byFlag, byEnv := write(t, "flag.yml", "workers: 1"), write(t, "env.yml", "workers: 2")
	environ := []string{"HARBORHOOK_CONFIG=" + byEnv}
	for want, in := range map[int]Input{
		1: {File: byFlag, Environ: environ},
		2: {Environ: environ},
	} {
		if cfg, _, err := Load(in); err != nil || cfg.Workers != want {
			t.Errorf("workers = %d, error %v; want %d", cfg.Workers, err, want)
		}
	}
}

func TestFilesTakeListsAndSecretFiles(t *testing.T) {
	t.Parallel()
	secret := write(t, "secret", "from a file\n")
	file := write(t, "h.yml", "allowed_ports: [80, 443]\nretry_backoff:\n  - 1s\nsecret_file: "+secret+"\nworkers:\n")
	cfg, _, err := Load(Input{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Ports{80, 443}, cfg.AllowedPorts); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Waits{time.Second}, cfg.RetryBackoff); d != "" {
		t.Error(d)
	}
	if cfg.Secret.Reveal() != "from a file" {
		t.Errorf("secret = %q", cfg.Secret.Reveal())
	}
	if cfg.Workers != Default(Core).Workers {
		t.Errorf("workers = %d, although the key has no value", cfg.Workers)
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	empty := write(t, "empty", "\n")
	for name, test := range map[string]struct {
		content string
		want    string
	}{
		"one newline is cut off":      {"value\n", "value"},
		"so is the one of Windows":    {"value\r\n", "value"},
		"further ones are the secret": {"value\n\n", "value\n"},
		"none is needed":              {" value ", " value "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "secret", test.content)
			cfg, _, err := Load(Input{Environ: []string{"HARBORHOOK_SECRET_FILE=" + path, "HARBORHOOK_SECRET="}})
			if err != nil || cfg.Secret.Reveal() != test.want {
				t.Errorf("secret = %q, error %v; want %q", cfg.Secret.Reveal(), err, test.want)
			}
		})
	}
	for want, environ := range map[string][]string{
		"is given twice":              {"HARBORHOOK_SECRET=hidden-value", "HARBORHOOK_SECRET_FILE=" + empty},
		"cannot be read":              {"HARBORHOOK_SECRET_FILE=" + empty + ".not-there"},
		"file " + empty + " is empty": {"HARBORHOOK_SECRET_FILE=" + empty},
	} {
		_, _, err := Load(Input{Environ: environ})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden-value") {
			t.Errorf("error %v, want one that says %q and not the secret", err, want)
		}
	}
}

func TestEverythingUnreadableIsToldAtOnce(t *testing.T) {
	t.Parallel()
	file := write(t, "h.yml", "workres: 3\nallowed_ports: {a: b}\nlog_level: loud\n")
	cfg, _, err := Load(Input{File: file, Environ: []string{
		"HARBORHOOK_WORKERS=many",
		"HARBORHOOK_RETENTION=1month",
		"HARBORHOOK_ALLOWED_NETWORKS=public",
		"HARBORHOOK_RETRY_BACKOFF=1s,1s,1s,1s",
	}})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		"allowed_ports (" + file + " line 2): is a map or a reference; want one value or a list of values",
		"workres (" + file + " line 1): is not a known key; did you mean workers?",
		`HARBORHOOK_LOG_LEVEL (file): "loud" is not a level; want debug, info, warn or error`,
		`HARBORHOOK_ALLOWED_NETWORKS (environment): "public" is not a network; want loopback, private or CIDRs, for example loopback,10.20.0.0/16`,
		`HARBORHOOK_WORKERS (environment): "many" is not a whole number; want a number such as 64`,
		`HARBORHOOK_RETRY_BACKOFF (environment): 4 waits; want 3 at most, for example 5s,30s,120s`,
		`HARBORHOOK_RETENTION (environment): "1month" is not a duration; want a duration such as 250ms, 10s, 2h or 30d`,
	}
	if d := cmp.Diff(want, strings.Split(err.Error(), "\n")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Default(Core).Workers, cfg.Workers); d != "" {
		t.Error("the default stays:", d)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, want string }{
		"missing":        {filepath.Join(t.TempDir(), "none.yml"), "cannot be read"},
		"not YAML":       {write(t, "a.yml", "a: [b"), "is not a YAML file"},
		"a list":         {write(t, "b.yml", "- a\n"), "is not a YAML file of keys and values"},
		"key twice":      {write(t, "c.yml", "workers: 1\nworkers: 2\n"), "already defined"},
		"list of a list": {write(t, "d.yml", "allowed_ports: [[1]]"), "list of lists"},
	} {
		if _, _, err := Load(Input{File: test.path}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, test.want)
		}
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Parallel()
	_, warnings, err := Load(Input{Environ: []string{
		"HARBORHOOK_WORKRES=3", "HARBORHOOK_COLOUR=blue", "HARBORHOOK_WORKERS_FILE=x", "OTHER=1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"environment variable HARBORHOOK_COLOUR is not known and ignored",
		"environment variable HARBORHOOK_WORKERS_FILE is not known and ignored",
		"environment variable HARBORHOOK_WORKRES is not known and ignored; did you mean HARBORHOOK_WORKERS?",
	}
	if d := cmp.Diff(want, warnings); d != "" {
		t.Error(d)
	}
}
