package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// production is a configuration that is right for core and jobservice.
func production() Config {
	c := Default(Core)
	c.CoreAddr = ":8080"
	c.DatabaseURL = "postgres://u:p@db/harborhook"
	c.RedisURL = "rediss://redis:6379/0"
	c.Secret = "0f1e2d3c4b5a6978"
	c.NotificationToken = "0f1e2d3c4b5a6978"
	c.ComponentToken = "8796a5b4c3d2e1f0"
	c.EncryptionKey = "q1Zb0m4T0pV9oJ3mXc7u2R5yQeB8kHsLwNf6tGdAiZE="
	return c
}

func TestRightConfigurations(t *testing.T) {
	t.Parallel()
	loopback := production()
	loopback.CoreAddr, loopback.NotificationToken, loopback.ComponentToken = "127.0.0.1:8080", "", ""
	inside := production()
	inside.InternalAddr, inside.NotificationToken, inside.ComponentToken = "127.0.0.1:8081", "", ""
	noRedis := production()
	noRedis.RedisURL = ""
	sentinels := production()
	sentinels.RedisURL = "rediss+sentinel://u:p@a:26379,b:26379,[::1]:26379/main/2?sentinel_password=s"
	onPostgres := Default(Standalone)
	onPostgres.DatabaseURL, onPostgres.RedisURL = "postgresql:///d?host=/run/postgresql", "redis://localhost"
	for name, test := range map[string]struct {
		cfg   Config
		shape Shape
	}{
		"standalone needs nothing":                {Default(Standalone), Standalone},
		"standalone may have its servers outside": {onPostgres, Standalone},
		"core":                   {production(), Core},
		"a Redis with sentinels": {sentinels, JobService},
		"core needs no Redis":    {noRedis, Core},
		"internal endpoints on loopback need no tokens":    {inside, Core},
		"core on loopback needs no tokens":                 {loopback, Core},
		"jobservice":                                       {production(), JobService},
		"migrate of the database in the data folder":       {Default(Migrate), Migrate},
		"migrate of PostgreSQL needs no more than its URL": {migration(), Migrate},
	} {
		if err := test.cfg.Validate(test.shape); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func migration() Config {
	c := Default(Migrate)
	c.DatabaseURL = "postgres://h/d"
	return c
}

func TestWhatProductionRequires(t *testing.T) {
	t.Parallel()
	bare := Default(Core)
	bare.CoreAddr = "0.0.0.0:8080"
	for shape, want := range map[Shape][]string{
		Core:       {"HARBORHOOK_DATABASE_URL", "HARBORHOOK_SECRET", "HARBORHOOK_NOTIFICATION_TOKEN", "HARBORHOOK_COMPONENT_TOKEN", "HARBORHOOK_ENCRYPTION_KEY"},
		JobService: {"HARBORHOOK_DATABASE_URL", "HARBORHOOK_REDIS_URL", "HARBORHOOK_SECRET", "HARBORHOOK_ENCRYPTION_KEY"},
	} {
		if d := cmp.Diff(want, variables(t, bare.Validate(shape))); d != "" {
			t.Errorf("%s: %s", shape, d)
		}
	}
}

func TestEachBadValueIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no port":               {func(c *Config) { c.CoreAddr = "localhost" }, "HARBORHOOK_CORE_ADDR"},
		"no internal port":      {func(c *Config) { c.InternalAddr = "localhost" }, "HARBORHOOK_INTERNAL_ADDR"},
		"port by name":          {func(c *Config) { c.JobServiceAddr = ":http" }, "HARBORHOOK_JOBSERVICE_ADDR"},
		"port too large":        {func(c *Config) { c.RegistryAddr = ":65536" }, "HARBORHOOK_REGISTRY_ADDR"},
		"URL as address":        {func(c *Config) { c.RegistryAddr = "http://h:1" }, "HARBORHOOK_REGISTRY_ADDR"},
		"open debug address":    {func(c *Config) { c.DebugAddr = ":6060" }, "HARBORHOOK_DEBUG_ADDR"},
		"other database":        {func(c *Config) { c.DatabaseURL = "mysql://h/d" }, "HARBORHOOK_DATABASE_URL"},
		"database without name": {func(c *Config) { c.DatabaseURL = "postgres://h/" }, "HARBORHOOK_DATABASE_URL"},
		"keyword DSN":           {func(c *Config) { c.DatabaseURL = "host=h password=topsecret" }, "HARBORHOOK_DATABASE_URL"},
		"one connection":        {func(c *Config) { c.DatabaseConnections = 1 }, "HARBORHOOK_DATABASE_CONNECTIONS"},
		"Redis by address":      {func(c *Config) { c.RedisURL = "h:6379" }, "HARBORHOOK_REDIS_URL"},
		"no master":             {func(c *Config) { c.RedisURL = "redis+sentinel://h:26379/" }, "HARBORHOOK_REDIS_URL"},
		"no sentinel":           {func(c *Config) { c.RedisURL = "redis+sentinel:///main" }, "HARBORHOOK_REDIS_URL"},
		"an empty sentinel":     {func(c *Config) { c.RedisURL = "redis+sentinel://:p@h:26379,/main" }, "HARBORHOOK_REDIS_URL"},
		"not of Redis":          {func(c *Config) { c.RedisURL = "http+sentinel://h/main" }, "HARBORHOOK_REDIS_URL"},
		"Redis key pattern":     {func(c *Config) { c.RedisNamespace = "a{b}*" }, "HARBORHOOK_REDIS_NAMESPACE"},
		"address as URL":        {func(c *Config) { c.JobServiceURL = "localhost:8888" }, "HARBORHOOK_JOBSERVICE_URL"},
		"password in URL":       {func(c *Config) { c.RegistryURL = "https://u:topsecret@h" }, "HARBORHOOK_REGISTRY_URL"},
		"proxy of another kind": {func(c *Config) { c.EgressProxy = "socks5://u:topsecret@h:1080" }, "HARBORHOOK_EGRESS_PROXY"},
		"proxy without host":    {func(c *Config) { c.EgressProxy = "http:///topsecret" }, "HARBORHOOK_EGRESS_PROXY"},
		"user without password": {func(c *Config) { c.RegistryUsername = "u" }, "HARBORHOOK_REGISTRY_USERNAME"},
		"registry by URL":       {func(c *Config) { c.ExternalRegistry = "https://h" }, "HARBORHOOK_EXTERNAL_REGISTRY"},
		"short secret":          {func(c *Config) { c.Secret = "topsecret" }, "HARBORHOOK_SECRET"},
		"secret with newline":   {func(c *Config) { c.Secret = "topsecret-topsecret\n" }, "HARBORHOOK_SECRET"},
		"token with blank":      {func(c *Config) { c.NotificationToken = "topsecret topsecret" }, "HARBORHOOK_NOTIFICATION_TOKEN"},
		"short token":           {func(c *Config) { c.ComponentToken = "topsecret" }, "HARBORHOOK_COMPONENT_TOKEN"},
		"key not base64":        {func(c *Config) { c.EncryptionKey = "topsecret!" }, "HARBORHOOK_ENCRYPTION_KEY"},
		"key too short":         {func(c *Config) { c.EncryptionKey = "AAAA" }, "HARBORHOOK_ENCRYPTION_KEY"},
		"key of zeros":          {func(c *Config) { c.EncryptionKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, "HARBORHOOK_ENCRYPTION_KEY"},
		"example as secret":     {func(c *Config) { c.Secret = "changeme-changeme" }, "HARBORHOOK_SECRET"},
		"example as token":      {func(c *Config) { c.NotificationToken = "0123456789ABCDEF" }, "HARBORHOOK_NOTIFICATION_TOKEN"},
		"repeated token":        {func(c *Config) { c.ComponentToken = "abababababababab" }, "HARBORHOOK_COMPONENT_TOKEN"},
		"old key too short":     {func(c *Config) { c.OldEncryptionKeys = c.EncryptionKey + ",topsecret" }, "HARBORHOOK_OLD_ENCRYPTION_KEYS"},
		"short password":        {func(c *Config) { c.AdminPassword = "topsecr" }, "HARBORHOOK_ADMIN_PASSWORD"},
		"no workers":            {func(c *Config) { c.Workers = 0 }, "HARBORHOOK_WORKERS"},
		"too many waits":        {func(c *Config) { c.RetryBackoff = Waits{1e9, 1e9, 1e9, 1e9} }, "HARBORHOOK_RETRY_BACKOFF"},
		"no wait":               {func(c *Config) { c.RetryBackoff = Waits{0} }, "HARBORHOOK_RETRY_BACKOFF"},
		"no time to deliver":    {func(c *Config) { c.DeliveryTimeout = 0 }, "HARBORHOOK_DELIVERY_TIMEOUT"},
		"an hour to deliver":    {func(c *Config) { c.DeliveryTimeout = time.Hour }, "HARBORHOOK_DELIVERY_TIMEOUT"},
		"no history":            {func(c *Config) { c.Retention = time.Hour }, "HARBORHOOK_RETENTION"},
		"busy reconciler":       {func(c *Config) { c.ReconcileInterval = 1 }, "HARBORHOOK_RECONCILE_INTERVAL"},
		"no time to be idle":    {func(c *Config) { c.SessionIdle = 0 }, "HARBORHOOK_SESSION_IDLE"},
		"an endless session":    {func(c *Config) { c.SessionLifetime = 365 * day }, "HARBORHOOK_SESSION_LIFETIME"},
		"a negative count":      {func(c *Config) { c.RetentionCount = -1 }, "HARBORHOOK_RETENTION_COUNT"},
		"no backlog":            {func(c *Config) { c.BacklogLimit = 0 }, "HARBORHOOK_BACKLOG_LIMIT"},
		"log format":            {func(c *Config) { c.LogFormat = "xml" }, "HARBORHOOK_LOG_FORMAT"},
	} {
		c := production()
		test.change(&c)
		err := c.Validate(Core)
		if d := cmp.Diff([]string{test.want}, variables(t, err)); d != "" {
			t.Errorf("%s: %v %s", name, err, d)
			continue
		}
		if strings.Contains(err.Error(), "topsecr") {
			t.Errorf("%s: the secret is shown: %v", name, err)
		}
		if !strings.Contains(err.Error(), "; want ") {
			t.Errorf("%s: what is wanted is not said: %v", name, err)
		}
	}
}

func TestWhatLoadHasToldIsNotToldAgain(t *testing.T) {
	t.Parallel()
	cfg, _, err := Load(Input{Shape: Core, Environ: []string{"HARBORHOOK_SECRET_FILE=/not/there"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, variable := range variables(t, cfg.Validate(Core)) {
		if variable == "HARBORHOOK_SECRET" {
			t.Error("the secret that could not be read is also said to be missing")
		}
	}
}

func variables(t *testing.T, err error) []string {
	t.Helper()
	var problems Problems
	if err != nil && !errors.As(err, &problems) {
		t.Fatalf("not Problems: %v", err)
	}
	var all []string
	for _, p := range problems {
		all = append(all, p.Variable)
	}
	return all
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "127.9.9.9:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.example.com:1": false, "127.0.0.1": false,
	} {
		if got := Loopback(addr); got != want {
			t.Errorf("Loopback(%q) = %v", addr, got)
		}
	}
}
