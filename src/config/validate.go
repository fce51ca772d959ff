package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	minSecret       = 16
	maxWorkers      = 1024
	maxConnections  = 1000
	maxWait         = 24 * time.Hour
	maxDelivery     = 5 * time.Minute
	minRetention    = day
	minProbe        = 10 * time.Millisecond
	maxProbe        = time.Hour
	minMaxWait      = time.Second
	maxMaxWait      = 30 * day
	minSession      = time.Second
	maxSession      = 30 * day
	minReconcile    = 10 * time.Millisecond
	maxReconcile    = time.Minute
	minPassword     = 8
	maxPassword     = 72 // what bcrypt takes
	secretExample   = "a random text, for example from openssl rand -hex 32"
	databaseExample = "postgres://user:password@host:5432/harborhook"
	redisExample    = "redis://host:6379/0, rediss://host:6379/0 or redis+sentinel://host:26379,host:26379/master/0"
)

// Validate says everything that is wrong with the configuration for a shape, in
// an error of type Problems. Settings that Load could not read are left out,
// since it has named them. A standalone configuration is right without secrets:
// EnsureSecrets makes them.
func (c Config) Validate(shape Shape) error {
	v := validator{cfg: &c, shape: shape}
	v.addresses()
	v.database()
	v.redis()
	v.urls()
	v.secrets()
	v.delivery()
	v.limits()
	v.logging()
	return v.problems.inOrder().orNil()
}

type validator struct {
	cfg      *Config
	shape    Shape
	problems Problems
}

// fail adds a problem of a variable, unless Load has told of it already.
func (v *validator) fail(variable string, p *Problem) {
	o := v.cfg.origins[variable]
	if o.unusable {
		return
	}
	v.problems = append(v.problems, &Problem{Variable: variable, From: o.from, Wrong: p.Wrong, Want: p.Want})
}

func (v *validator) is(shapes ...Shape) bool { return slices.Contains(shapes, v.shape) }

func (v *validator) addresses() {
	v.addr("HARBORHOOK_CORE_ADDR", v.cfg.CoreAddr)
	v.addr("HARBORHOOK_JOBSERVICE_ADDR", v.cfg.JobServiceAddr)
	v.addr("HARBORHOOK_REGISTRY_ADDR", v.cfg.RegistryAddr)
	if v.cfg.InternalAddr != "" {
		v.addr("HARBORHOOK_INTERNAL_ADDR", v.cfg.InternalAddr)
	}
	if addr := v.cfg.DebugAddr; addr != "" && (!validAddr(addr) || !Loopback(addr)) {
		v.fail("HARBORHOOK_DEBUG_ADDR", wrong("%q is not a loopback address", addr).want("empty, or a loopback address such as 127.0.0.1:6060"))
	}
	if v.is(Standalone) && v.cfg.DataDir == "" {
		v.fail("HARBORHOOK_DATA_DIR", wrong("is empty").want("a folder, for example ./data"))
	}
}

func (v *validator) addr(variable, addr string) {
	if !validAddr(addr) {
		v.fail(variable, wrong("%q is not an address to listen on", addr).want("host:port, for example 127.0.0.1:8080 or :8080"))
	}
}

func (v *validator) database() {
	const variable = "HARBORHOOK_DATABASE_URL"
	text := v.cfg.DatabaseURL.Reveal()
	if text == "" {
		if v.is(Core, JobService) {
			v.fail(variable, wrong("is not set").want("%s", databaseExample))
		}
		return
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || strings.Trim(u.Path, "/") == "" {
		v.fail(variable, wrong("is not the URL of a PostgreSQL database").want("%s", databaseExample))
	}
}

func (v *validator) redis() {
	const variable = "HARBORHOOK_REDIS_URL"
	text := v.cfg.RedisURL.Reveal()
	if text == "" {
		if v.is(JobService) {
			v.fail(variable, wrong("is not set").want("%s", redisExample))
		}
	} else if !redisURL(text) {
		v.fail(variable, wrong("is not the URL of a Redis server").want("%s", redisExample))
	}
	ns := v.cfg.RedisNamespace
	if ns == "" || strings.ContainsFunc(ns, func(r rune) bool { return !nameRune(r) }) {
		v.fail("HARBORHOOK_REDIS_NAMESPACE", wrong("%q is not a name", ns).want("letters, digits, - _ . or :, for example harborhook"))
	}
}

// redisURL says whether a text looks like the URL of a Redis, or of the sentinels of one.
func redisURL(text string) bool {
	scheme, rest, _ := strings.Cut(text, "://")
	kind, sentinels := strings.CutSuffix(scheme, "+sentinel")
	if kind != "redis" && kind != "rediss" {
		return false
	}
	if !sentinels {
		u, err := url.Parse(text)
		return err == nil && u.Host != ""
	}
	// A URL has one host, and this has several.
	hosts, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(hosts, "@") + 1
	u, err := url.Parse(kind + "://" + hosts[:at] + "sentinels/" + path)
	return err == nil && strings.Trim(u.Path, "/") != "" && !slices.Contains(strings.Split(hosts[at:], ","), "")
}

func (v *validator) urls() {
	if text := v.cfg.JobServiceURL; !httpURL(text) {
		v.fail("HARBORHOOK_JOBSERVICE_URL", wrong("%s is not an HTTP URL", shown(text)).want("for example http://jobservice:8888, without user or query"))
	}
	if text := v.cfg.RegistryURL; text == "" && v.is(Reconcile) && v.cfg.DatabaseURL != "" {
		v.fail("HARBORHOOK_REGISTRY_URL", wrong("is not set, so there is nothing to compare with").want("for example https://registry.example.com"))
	} else if text != "" && !httpURL(text) {
		v.fail("HARBORHOOK_REGISTRY_URL", wrong("%s is not an HTTP URL", shown(text)).want("empty, or for example https://registry.example.com; user and password have variables of their own"))
	}
	if _, err := v.cfg.EgressProxyURL(); err != nil {
		v.fail("HARBORHOOK_EGRESS_PROXY", wrong("is not the URL of an HTTP proxy").want("http://host:3128, or http://user:password@host:3128"))
	}
	if (v.cfg.RegistryPassword != "") != (v.cfg.RegistryUsername != "") {
		v.fail("HARBORHOOK_REGISTRY_USERNAME", wrong("user name and password of the registry do not come together").want("both, or neither"))
	}
	if name := v.cfg.ExternalRegistry; name != "" && !hostPort(name) {
		v.fail("HARBORHOOK_EXTERNAL_REGISTRY", wrong("%q is not the name of a registry", name).want("a host with or without port, for example registry.example.com"))
	}
}

func (v *validator) secrets() {
	required := v.is(Core, JobService)
	v.token("HARBORHOOK_SECRET", v.cfg.Secret, required, "is not set")
	const missing = "is not set, and the endpoint does not listen on loopback"
	open := v.is(Core) && !Loopback(cmp.Or(v.cfg.InternalAddr, v.cfg.CoreAddr))
	v.token("HARBORHOOK_NOTIFICATION_TOKEN", v.cfg.NotificationToken, open, missing)
	v.token("HARBORHOOK_COMPONENT_TOKEN", v.cfg.ComponentToken, open, missing)

	if _, err := v.cfg.EncryptionKeyBytes(); v.cfg.EncryptionKey != "" && err != nil {
		v.fail("HARBORHOOK_ENCRYPTION_KEY", wrong("%v", err).want("32 bytes in base64, for example from openssl rand -base64 32"))
	} else if v.cfg.EncryptionKey == "" && (required || v.is(Reconcile, RotateKey) && v.cfg.DatabaseURL != "") {
		v.fail("HARBORHOOK_ENCRYPTION_KEY", wrong("is not set").want("32 bytes in base64, for example from openssl rand -base64 32"))
	} else if guessable(v.cfg.EncryptionKey.Reveal()) {
		v.fail("HARBORHOOK_ENCRYPTION_KEY", wrong("is an example, or as easy to guess").want("32 random bytes in base64, for example from openssl rand -base64 32"))
	}
	if _, err := v.cfg.OldEncryptionKeyBytes(); err != nil {
		v.fail("HARBORHOOK_OLD_ENCRYPTION_KEYS", wrong("%v", err).want("keys of 32 bytes in base64, separated by commas"))
	}
	if n := len(v.cfg.AdminPassword); n > 0 && (n < minPassword || n > maxPassword) {
		v.fail("HARBORHOOK_ADMIN_PASSWORD", wrong("has %d bytes", n).want("%d to %d", minPassword, maxPassword))
	}
}

// guessable knows secrets that people copy from examples or make up to be rid of
// the question: few different characters, or the words they use for it.
func guessable(text string) bool {
	if text == "" {
		return false
	}
	different := map[rune]bool{}
	for _, r := range strings.TrimRight(text, "=") {
		different[r] = true
	}
	lower := strings.ToLower(text)
	return len(different) < minDifferent || slices.ContainsFunc(exampleWords, func(word string) bool { return strings.Contains(lower, word) })
}

// No random secret of 16 characters or more has as few different ones, or such words.
const minDifferent = 6

var exampleWords = []string{"changeme", "change-me", "change_me", "harbor12345", "password", "not-secure", "notsecure", "example", "0123456789abcdef"}

// token checks a secret that travels in an HTTP header.
func (v *validator) token(variable string, s Secret, required bool, missing string) {
	text := s.Reveal()
	switch {
	case text == "" && required:
		v.fail(variable, wrong("%s", missing).want("%s", secretExample))
	case text == "":
	case len(text) < minSecret:
		v.fail(variable, wrong("has %d characters, fewer than %d", len(text), minSecret).want("%s", secretExample))
	case guessable(text):
		v.fail(variable, wrong("is an example, or as easy to guess").want("%s", secretExample))
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		v.fail(variable, wrong("holds a blank, a control or a non-ASCII character").want("%s", secretExample))
	}
}

func (v *validator) delivery() {
	if n := v.cfg.Workers; n < 1 || n > maxWorkers {
		v.fail("HARBORHOOK_WORKERS", wrong("%d is out of range", n).want("1 to %d, for example 64", maxWorkers))
	}
	if len(v.cfg.RetryBackoff) > MaxRetries {
		v.fail("HARBORHOOK_RETRY_BACKOFF", wrong("%d waits", len(v.cfg.RetryBackoff)).want("%d at most, for example 5s,30s,120s", MaxRetries))
	}
	for _, wait := range v.cfg.RetryBackoff {
		v.between("HARBORHOOK_RETRY_BACKOFF", wait, time.Millisecond, maxWait)
	}
	v.between("HARBORHOOK_DELIVERY_TIMEOUT", v.cfg.DeliveryTimeout, time.Millisecond, maxDelivery)
}

func (v *validator) limits() {
	v.between("HARBORHOOK_CIRCUIT_PROBE", v.cfg.CircuitProbe, minProbe, maxProbe)
	v.between("HARBORHOOK_MAX_WAIT", v.cfg.MaxWait, minMaxWait, maxMaxWait)
	v.between("HARBORHOOK_SESSION_IDLE", v.cfg.SessionIdle, minSession, maxSession)
	v.between("HARBORHOOK_SESSION_LIFETIME", v.cfg.SessionLifetime, minSession, maxSession)
	v.between("HARBORHOOK_RECONCILE_INTERVAL", v.cfg.ReconcileInterval, minReconcile, maxReconcile)
	if d := v.cfg.Retention; d < minRetention {
		v.fail("HARBORHOOK_RETENTION", wrong("%s is too short to tell repeated events", formatDuration(d)).want("1d or more, for example 30d"))
	}
	if n := v.cfg.RetentionCount; n < 0 {
		v.fail("HARBORHOOK_RETENTION_COUNT", wrong("%d is negative", n).want("0, which keeps them all, or more"))
	}
	if n := v.cfg.BacklogLimit; n < 1 {
		v.fail("HARBORHOOK_BACKLOG_LIMIT", wrong("%d is out of range", n).want("1 or more, for example 1000000"))
	}
	if n := v.cfg.DatabaseConnections; n < 2 || n > maxConnections {
		v.fail("HARBORHOOK_DATABASE_CONNECTIONS", wrong("%d is out of range", n).want("2 to %d, for example 20", maxConnections))
	}
}

func (v *validator) logging() {
	if f := v.cfg.LogFormat; f != "text" && f != "json" {
		v.fail("HARBORHOOK_LOG_FORMAT", wrong("%q is not a format", f).want("text or json"))
	}
}

func (v *validator) between(variable string, d, least, most time.Duration) {
	if d < least || d > most {
		v.fail(variable, wrong("%s is out of range", formatDuration(d)).want("%s to %s", formatDuration(least), formatDuration(most)))
	}
}

// Loopback says whether a listener at addr (host:port) can be reached from its
// own machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

func validAddr(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || strings.ContainsAny(host, " /@") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func httpURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func hostPort(text string) bool {
	u, err := url.Parse("//" + text)
	return err == nil && u.Host == text && u.Hostname() != ""
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r)
}

// shown quotes a URL that should hold no password, unless it might.
func shown(text string) string {
	if strings.ContainsAny(text, "@?") {
		return "the value"
	}
	return strconv.Quote(text)
}
