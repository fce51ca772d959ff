package config

import (
	"bytes"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the generated template")

// The names are what people have in their scripts: changing one is a break.
func TestTheVariablesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	want := strings.Fields(`
		DATA_DIR CORE_ADDR INTERNAL_ADDR JOBSERVICE_ADDR REGISTRY_ADDR DEBUG_ADDR
		DATABASE_URL DATABASE_CONNECTIONS REDIS_URL REDIS_NAMESPACE JOBSERVICE_URL
		ADMIN_PASSWORD SECRET NOTIFICATION_TOKEN COMPONENT_TOKEN ENCRYPTION_KEY OLD_ENCRYPTION_KEYS
		TRUSTED_PROXIES INTERNAL_NETWORKS SESSION_IDLE SESSION_LIFETIME
		ALLOWED_NETWORKS DENIED_NETWORKS ALLOWED_PORTS EGRESS_PROXY WORKERS RETRY_BACKOFF DELIVERY_TIMEOUT
		CIRCUIT_PROBE MAX_WAIT
		RETENTION RETENTION_COUNT RECONCILE_INTERVAL BACKLOG_LIMIT
		EXTERNAL_REGISTRY REGISTRY_URL REGISTRY_USERNAME REGISTRY_PASSWORD
		LOG_LEVEL LOG_FORMAT TRACING`)
	var got []string
	for _, s := range Settings() {
		got = append(got, strings.TrimPrefix(s.Variable, "HARBORHOOK_"))
		if !regexp.MustCompile(`^HARBORHOOK_[A-Z_]+$`).MatchString(s.Variable) || s.Help == "" {
			t.Errorf("%s is not a variable with help", s.Variable)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDefaultsDifferByShape(t *testing.T) {
	t.Parallel()
	for shape, want := range map[Shape]struct {
		networks, format string
	}{
		Standalone: {"loopback,private", "text"},
		Core:       {"", "json"},
		JobService: {"", "json"},
	} {
		c := Default(shape)
		if got := strings.Join(c.AllowedNetworks, ","); got != want.networks || c.LogFormat != want.format {
			t.Errorf("%s: networks %q, log format %q", shape, got, c.LogFormat)
		}
	}
}

func TestPublicRegistry(t *testing.T) {
	t.Parallel()
	c := Default(Standalone)
	steps := []struct {
		change func()
		want   string
	}{
		{func() {}, "127.0.0.1:5000"},
		{func() { c.RegistryURL = "https://registry:5443/" }, "registry:5443"},
		{func() { c.ExternalRegistry = "registry.example.com" }, "registry.example.com"},
	}
	for _, step := range steps {
		step.change()
		if got := c.PublicRegistry(); got != step.want {
			t.Errorf("public registry %q, want %q", got, step.want)
		}
	}
}

func TestTheTemplateIsUpToDate(t *testing.T) {
	t.Parallel()
	for path, write := range map[string]func(io.Writer) error{
		"../../make/harborhook.yml.example": WriteTemplate, "../../docs/configuration.md": WritePage,
	} {
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.String(), string(got)); d != "" {
			t.Errorf("run make generate: %s", d)
		}
	}
}

func TestTheTemplateUncommentedIsTheDefault(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	if err := WriteTemplate(&text); err != nil {
		t.Fatal(err)
	}
	uncommented := regexp.MustCompile(`(?m)^#(\w+: )`).ReplaceAllString(text.String(), "$1")
	cfg, _, err := Load(Input{Shape: Core, File: write(t, "template.yml", uncommented)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Settings() {
		if o := cfg.origins[s.Variable].from; o != "file" && !s.Secret {
			t.Errorf("%s is not in the template: %q", s.Variable, o)
		}
	}
	cfg.origins = nil
	if d := cmp.Diff(Default(Core), cfg, cmp.AllowUnexported(Config{})); d != "" {
		t.Error(d)
	}
}
