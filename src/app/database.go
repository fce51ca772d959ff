package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/store"
	"github.com/harborhook/harborhook/src/store/postgres"
	"github.com/harborhook/harborhook/src/store/sqlite"
)

// registryDir is where the standalone shape's registry keeps its images.
func registryDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "registry") }

func sqlitePath(cfg config.Config) string { return filepath.Join(cfg.DataDir, "harborhook.db") }

// migrateSchema brings the schema up to date and names the database, without
// its password.
func migrateSchema(ctx context.Context, cfg config.Config) (name string, err error) {
	if cfg.DatabaseURL != "" {
		if err := postgres.Migrate(ctx, cfg.DatabaseURL.Reveal()); err != nil {
			return "", fmt.Errorf("bring the schema of PostgreSQL (HARBORHOOK_DATABASE_URL) up to date: %w", err)
		}
		return "PostgreSQL", nil
	}
	path := sqlitePath(cfg)
	if err := sqlite.Migrate(path); err != nil {
		return "", fmt.Errorf("bring the schema of %s up to date: %w", path, err)
	}
	return path, nil
}

// Migrate brings the schema up to date and says so on out.
func Migrate(ctx context.Context, cfg config.Config, out io.Writer) error {
	name, err := migrateSchema(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The schema of %s is up to date.\n", name)
	return nil
}

// openStore migrates and opens the database.
func openStore(ctx context.Context, cfg config.Config) (*store.Store, error) {
	key, err := cfg.EncryptionKeyBytes()
	if err != nil {
		return nil, err
	}
	old, err := cfg.OldEncryptionKeyBytes()
	if err != nil {
		return nil, err
	}
	if _, err := migrateSchema(ctx, cfg); err != nil {
		return nil, err
	}
	if cfg.DatabaseURL != "" {
		return postgres.Open(postgres.Config{URL: cfg.DatabaseURL.Reveal(), Connections: cfg.DatabaseConnections, Key: key, OldKeys: old})
	}
	return sqlite.Open(sqlitePath(cfg), key, old...)
}

// warmed tells of a failure to prepare statements, which only makes the first event
// slower.
func warmed(err error, log *slog.Logger) {
	if err != nil {
		log.Warn("the first event will be slower", "error", err)
	}
}
