// Package schema applies the migrations of make/migrations to a database.
package schema

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/harborhook/harborhook/make/migrations"
)

// Up applies what is missing of a folder of migrations, and closes the target. It
// changes nothing, and says what to do, if a newer program has been here, or if a
// migration was begun and not finished.
func Up(folder string, target database.Driver) error {
	known, err := iofs.New(migrations.FS, folder)
	if err != nil {
		return errors.Join(fmt.Errorf("read the migrations: %w", err), target.Close())
	}
	m, err := migrate.NewWithInstance("iofs", known, folder, target)
	if err != nil {
		return errors.Join(fmt.Errorf("prepare the migrations: %w", err), known.Close(), target.Close())
	}
	err = explain(m, known, m.Up())
	sourceErr, targetErr := m.Close()
	return errors.Join(err, sourceErr, targetErr)
}

// explain says in the operator's words why the migrations could not be applied.
func explain(m *migrate.Migrate, known source.Driver, err error) error {
	var dirty migrate.ErrDirty
	switch {
	case err == nil, errors.Is(err, migrate.ErrNoChange):
		return nil
	case errors.As(err, &dirty):
		return halfDone(dirty.Version)
	case errors.Is(err, migrate.ErrLockTimeout):
		return fmt.Errorf("another process is still migrating the database; start again when it is done: %w", err)
	case !errors.Is(err, fs.ErrNotExist): // the version is one that is known
		return fmt.Errorf("migrate the database: %w", err)
	}
	version, _, versionErr := m.Version()
	newest, newestErr := last(known)
	if versionErr != nil || newestErr != nil || version <= newest {
		return errors.Join(err, versionErr, newestErr)
	}
	return fmt.Errorf("the database has schema %d, and this program knows schemas up to %d: a newer release has been here. "+
		"Start that release, or restore the backup from before the upgrade (docs/operations.md, Upgrades)", version, newest)
}

// halfDone is the error for a migration that was begun and not finished. Each is one
// transaction, so either nothing of it is there or all of it.
func halfDone(version int) error {
	return fmt.Errorf("migration %d of the database was begun and not finished. The log of the process that began it says why. "+
		"If nothing of the migration is in the database, set schema_migrations to version %d and dirty to false, and start again; "+
		"or restore the backup from before the upgrade (docs/operations.md, Upgrades)", version, version-1)
}

// last returns the newest version of the migrations.
func last(known source.Driver) (uint, error) {
	version, err := known.First()
	for err == nil {
		var next uint
		if next, err = known.Next(version); err == nil {
			version = next
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	return version, nil
}
