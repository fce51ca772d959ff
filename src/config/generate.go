package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// generatedOrigin is where a generated secret says it came from.
const generatedOrigin = "generated"

// SecretPath returns the file that keeps a generated secret, named by its YAML
// key, for example admin_password.
func SecretPath(dataDir, key string) string { return filepath.Join(dataDir, "secrets", key) }

// EnsureSecrets fills in the secrets that the standalone shape makes for itself
// and nobody has set: kept ones from the data folder, missing ones newly made
// and kept there. It creates the data folder (0700) if need be; the files are
// 0600. It returns the variables of those made now. A kept file that is empty
// or unreadable is an error: another key would make what it encrypted unreadable.
func EnsureSecrets(cfg Config, dataDir string) (Config, []string, error) {
	cfg, err := ReadSecrets(cfg, dataDir)
	if err != nil {
		return cfg, nil, err
	}
	folder := filepath.Dir(SecretPath(dataDir, "any"))
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.Chmod(folder, 0o700)); err != nil { //nolint:gosec // a folder needs its x
		return cfg, nil, fmt.Errorf("create the folder for secrets: %w", err)
	}
	var made []string
	for _, s := range Settings() {
		bytes := generatedBytes(s.Variable)
		if bytes == 0 || cfg.secret(s) != "" {
			continue
		}
		value := random(bytes, s.Variable)
		if err := keep(SecretPath(dataDir, s.Key()), value); err != nil {
			return cfg, made, fmt.Errorf("keep the generated %s: %w", s.Variable, err)
		}
		cfg.setGenerated(s, value)
		made = append(made, s.Variable)
	}
	return cfg, made, nil
}

// ReadSecrets fills in the secrets that nobody has set and EnsureSecrets has
// kept in the data folder before. It changes no file.
func ReadSecrets(cfg Config, dataDir string) (Config, error) {
	for _, s := range Settings() {
		if generatedBytes(s.Variable) == 0 || cfg.secret(s) != "" {
			continue
		}
		path := SecretPath(dataDir, s.Key())
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		value, err := readSecretFile(path)
		if err != nil {
			return cfg, fmt.Errorf("%s, kept in %s: %w", s.Variable, path, err)
		}
		cfg.setGenerated(s, value)
	}
	return cfg, nil
}

// generatedBytes returns how many random bytes a generated secret has; 0 for a
// setting that is not generated.
func generatedBytes(variable string) int {
	switch variable {
	case "HARBORHOOK_SECRET", "HARBORHOOK_NOTIFICATION_TOKEN", "HARBORHOOK_COMPONENT_TOKEN", "HARBORHOOK_ENCRYPTION_KEY":
		return 32
	case "HARBORHOOK_ADMIN_PASSWORD":
		return 15
	default:
		return 0
	}
}

// random returns n random bytes as text. The encryption key is in the base64 of
// its setting; the others in that which needs no quoting in a shell or URL.
func random(n int, variable string) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the process instead
	if variable == "HARBORHOOK_ENCRYPTION_KEY" {
		return base64.StdEncoding.EncodeToString(b)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// keep writes a file of mode 0600 that is there whole after a crash, or not at all.
func keep(path, value string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is gone when all went well
	_, err = f.WriteString(value + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func (c *Config) secret(s Setting) string {
	if v, ok := s.pointer(c).(*Secret); ok {
		return v.Reveal()
	}
	return ""
}

// setGenerated sets a secret in a copy of the origins, which other copies of
// the configuration share.
func (c *Config) setGenerated(s Setting, value string) {
	origins := map[string]origin{s.Variable: {from: generatedOrigin}}
	for variable, o := range c.origins {
		if variable != s.Variable {
			origins[variable] = o
		}
	}
	c.origins = origins
	*s.pointer(c).(*Secret) = Secret(value)
}
