package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStandaloneMakesItsSecretsOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first, made, err := EnsureSecrets(Default(Standalone), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"HARBORHOOK_ADMIN_PASSWORD", "HARBORHOOK_SECRET", "HARBORHOOK_NOTIFICATION_TOKEN",
		"HARBORHOOK_COMPONENT_TOKEN", "HARBORHOOK_ENCRYPTION_KEY",
	}
	if d := cmp.Diff(want, made); d != "" {
		t.Error(d)
	}
	if err := first.Validate(Core); err == nil || strings.Contains(err.Error(), "SECRET") ||
		strings.Contains(err.Error(), "TOKEN") || strings.Contains(err.Error(), "KEY") || strings.Contains(err.Error(), "PASSWORD") {
		t.Errorf("the generated secrets are not all right: %v", err)
	}

	second, made, err := EnsureSecrets(Default(Standalone), dir)
	if err != nil || len(made) != 0 {
		t.Fatalf("made %v again, error %v", made, err)
	}
	if d := cmp.Diff(first, second, cmp.AllowUnexported(Config{}, origin{})); d != "" {
		t.Errorf("other secrets the second time: %s", d)
	}
	for _, v := range second.Describe() {
		if v.Variable == "HARBORHOOK_SECRET" && (v.Value != mask || v.From != "generated") {
			t.Errorf("described as %+v", v)
		}
	}
}

func TestGeneratedSecretsAreForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, _, err := EnsureSecrets(Default(Standalone), dir); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || files != 5 {
		t.Errorf("%d files, error %v", files, err)
	}
}

func TestGivenSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg, _, err := Load(Input{Shape: Standalone, Environ: []string{"HARBORHOOK_SECRET=given by a person"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, made, err := EnsureSecrets(cfg, dir)
	if err != nil || cfg.Secret.Reveal() != "given by a person" || len(made) != 4 {
		t.Errorf("secret %q, made %v, error %v", cfg.Secret.Reveal(), made, err)
	}
	if _, err := os.Stat(SecretPath(dir, "secret")); !os.IsNotExist(err) {
		t.Errorf("a given secret has a file: %v", err)
	}
}

func TestALostSecretIsNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, _, err := EnsureSecrets(Default(Standalone), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(SecretPath(dir, "encryption_key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := EnsureSecrets(Default(Standalone), dir); err == nil || !strings.Contains(err.Error(), "HARBORHOOK_ENCRYPTION_KEY") {
		t.Errorf("error %v, want one that names the key", err)
	}
}

func TestReadingSecretsMakesNone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	cfg, err := ReadSecrets(Default(Standalone), dir)
	if err != nil || cfg.Secret != "" {
		t.Errorf("secret %q, error %v", cfg.Secret.Reveal(), err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
}
