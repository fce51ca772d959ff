package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/app"
	"github.com/harborhook/harborhook/src/config"
)

// session is a program whose output and calls are kept.
type session struct {
	program
	out, errs bytes.Buffer
	shape     config.Shape
	cfg       config.Config
	migrated  bool
	compared  bool
	rotated   bool
	listens   bool
	fails     error
}

func newSession(environ ...string) *session {
	s := &session{}
	s.environ, s.stdout, s.stderr = environ, &s.out, &s.errs
	s.listen = func(*slog.Logger) (give func(), err error) {
		s.listens = true
		return func() { s.listens = false }, nil
	}
	s.serve = func(_ context.Context, shape config.Shape, cfg config.Config, o app.Options) error {
		if !s.listens {
			return errors.New("what libraries print is not listened to")
		}
		s.shape, s.cfg = shape, cfg
		o.Log.Info("hello")
		return s.fails
	}
	s.migrate = func(_ context.Context, cfg config.Config, _ io.Writer) error {
		s.migrated, s.cfg = true, cfg
		return s.fails
	}
	s.rotateKey = func(_ context.Context, cfg config.Config, _ app.Options) error {
		s.rotated, s.cfg = true, cfg
		return s.fails
	}
	s.reconcile = func(_ context.Context, cfg config.Config, o app.Options) error {
		s.compared, s.cfg = true, cfg
		return s.fails
	}
	return s
}

func (s *session) do(args ...string) int { return s.run(context.Background(), args) }

var production = []string{
	"HARBORHOOK_DATABASE_URL=postgres://db/harborhook",
	"HARBORHOOK_REDIS_URL=redis://redis",
	"HARBORHOOK_SECRET=0f1e2d3c4b5a6978",
	"HARBORHOOK_ENCRYPTION_KEY=q1Zb0m4T0pV9oJ3mXc7u2R5yQeB8kHsLwNf6tGdAiZE=",
}

func TestACommandRunsItsShape(t *testing.T) {
	t.Parallel()
	for _, shape := range []config.Shape{config.Standalone, config.Core, config.JobService} {
		s := newSession(production...)
		if code := s.do(string(shape)); code != 0 || s.shape != shape {
			t.Errorf("%s: code %d, ran %q: %s", shape, code, s.shape, s.errs.String())
		}
	}
	s := newSession(production...)
	if code := s.do("migrate"); code != 0 || !s.migrated || s.cfg.DatabaseURL.Reveal() != "postgres://db/harborhook" {
		t.Errorf("migrate: code %d, migrated %v: %s", code, s.migrated, s.errs.String())
	}
}

func TestReconcileRunsOverADatabaseOnlyWithARegistry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		environ []string
		code    int
		says    string
	}{
		"production":              {append([]string{"HARBORHOOK_REGISTRY_URL=https://registry.example.com"}, production...), 0, ""},
		"standalone":              {nil, 0, ""},
		"production, no registry": {production, 2, "HARBORHOOK_REGISTRY_URL: is not set"},
		"production, no key": {
			[]string{"HARBORHOOK_DATABASE_URL=postgres://db/harborhook", "HARBORHOOK_REGISTRY_URL=https://registry.example.com"},
			2,
			"HARBORHOOK_ENCRYPTION_KEY: is not set",
		},
	} {
		s := newSession(c.environ...)
		if code := s.do("reconcile"); code != c.code || s.compared != (c.code == 0) || !strings.Contains(s.errs.String(), c.says) {
			t.Errorf("%s: code %d, compared %v: %s", name, code, s.compared, s.errs.String())
		}
	}
}

func TestRotateKeyWantsTheKeysOfAProductionDatabase(t *testing.T) {
	t.Parallel()
	s := newSession(append([]string{"HARBORHOOK_OLD_ENCRYPTION_KEYS=" + strings.Repeat("AAAA", 10) + "AAA="}, production...)...)
	if code := s.do("rotate-key"); code != 0 || !s.rotated {
		t.Errorf("code %d, rotated %v: %s", code, s.rotated, s.errs.String())
	}
	s = newSession("HARBORHOOK_DATABASE_URL=postgres://db/harborhook")
	if code := s.do("rotate-key"); code != 2 || s.rotated || !strings.Contains(s.errs.String(), "HARBORHOOK_ENCRYPTION_KEY: is not set") {
		t.Errorf("code %d, rotated %v: %s", code, s.rotated, s.errs.String())
	}
}

func TestFlagsWinOverTheEnvironmentAndTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "h.yml")
	if err := os.WriteFile(file, []byte("workers: 1\ndata_dir: from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSession("HARBORHOOK_WORKERS=2", "HARBORHOOK_CORE_ADDR=localhost:2")
	if code := s.do("standalone", "--config", file, "--core-addr=localhost:3", "--log-format", "json"); code != 0 {
		t.Fatalf("code %d: %s", code, s.errs.String())
	}
	if s.cfg.DataDir != "from-file" || s.cfg.Workers != 2 || s.cfg.CoreAddr != "localhost:3" {
		t.Errorf("data folder %q, workers %d, addr %q", s.cfg.DataDir, s.cfg.Workers, s.cfg.CoreAddr)
	}
	if !strings.Contains(s.errs.String(), `"msg":"hello"`) {
		t.Errorf("the log is not JSON: %s", s.errs.String())
	}
}

func TestNothingRunsWithABadConfiguration(t *testing.T) {
	t.Parallel()
	s := newSession("HARBORHOOK_WORKERS=many", "HARBORHOOK_COLOUR=blue")
	if code := s.do("core"); code != 2 || s.shape != "" {
		t.Errorf("code %d, ran %q", code, s.shape)
	}
	for _, want := range []string{"HARBORHOOK_COLOUR is not known", "HARBORHOOK_WORKERS (environment)", "HARBORHOOK_DATABASE_URL: is not set"} {
		if !strings.Contains(s.errs.String(), want) {
			t.Errorf("%q is not said:\n%s", want, s.errs.String())
		}
	}
}

func TestAFailureIsTold(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"standalone", "migrate", "reconcile", "rotate-key"} {
		s := newSession()
		s.fails = errors.New("the disk is full")
		if code := s.do(command); code != 1 || !strings.Contains(s.errs.String(), "harborhook: the disk is full\n") {
			t.Errorf("%s: code %d: %s", command, code, s.errs.String())
		}
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                     "Commands:",
		"standalon":            `there is no command "standalon"`,
		"help nothing":         `there is no command "nothing"`,
		"core --data-dir x":    "harborhook core: flag provided but not defined: -data-dir",
		"standalone now":       `"now" is not expected`,
		"config --shape x":     "standalone, core, jobservice or migrate",
		"version --config":     `Run "harborhook version -h" for help.`,
		"standalone --workers": "flag needs an argument",
	} {
		s := newSession()
		if code := s.do(strings.Fields(args)...); code != 2 || !strings.Contains(s.errs.String(), want) || s.out.Len() > 0 {
			t.Errorf("%q: code %d, out %q, errors %q", args, code, s.out.String(), s.errs.String())
		}
		if s.shape != "" {
			t.Errorf("%q ran %s", args, s.shape)
		}
	}
}

func TestHelpGoesToStdout(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"help":            "To begin: harborhook standalone",
		"--help":          "Commands:",
		"help help":       "Commands:",
		"standalone -h":   "-data-dir",
		"help standalone": "-data-dir",
		"core --help":     "(HARBORHOOK_CORE_ADDR, default 127.0.0.1:8080)",
		"version -h":      "Print the version.",
	} {
		s := newSession()
		if code := s.do(strings.Fields(args)...); code != 0 || !strings.Contains(s.out.String(), want) || s.errs.Len() > 0 {
			t.Errorf("%q: code %d, out %q, errors %q", args, code, s.out.String(), s.errs.String())
		}
	}
}

func TestConfigShowsValuesAndProblems(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := newSession("HARBORHOOK_DATA_DIR="+dir, "HARBORHOOK_SECRET=topsecret-topsecret")
	if code := s.do("config"); code != 0 || s.errs.Len() > 0 {
		t.Errorf("code %d: %s", code, s.errs.String())
	}
	for _, line := range strings.Split(s.out.String(), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "HARBORHOOK_SECRET" && strings.Join(fields[1:], " ") != "******** environment" {
			t.Errorf("shown as %q", line)
		}
	}
	if strings.Contains(s.out.String(), "topsecret") || !strings.Contains(s.out.String(), "HARBORHOOK_LOG_FORMAT") {
		t.Error(s.out.String())
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("printing made the data folder: %v", err)
	}

	s = newSession()
	if code := s.do("config", "--shape", "jobservice"); code != 1 || !strings.Contains(s.errs.String(), "HARBORHOOK_REDIS_URL: is not set") {
		t.Errorf("code %d: %s", code, s.errs.String())
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	s := newSession()
	if code := s.do("version"); code != 0 || !strings.HasPrefix(s.out.String(), "harborhook dev, go1.") {
		t.Errorf("code %d: %s", code, s.out.String())
	}
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	if got := versionLine("v1.2.3", info); !strings.HasPrefix(got, "harborhook v1.2.3, go1.") || !strings.HasSuffix(got, ", commit abc with changes") {
		t.Error(got)
	}
}
