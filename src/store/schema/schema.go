// Package schema applies the migrations of make/migrations to a database.
package schema

import (
	"errors"
	"fmt"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	"github.com/golang-migrate/migrate/v4/source/iofs"

	"github.com/harborhook/harborhook/make/migrations"
)

// Up applies what is missing of a folder of migrations, and closes the target.
func Up(folder string, target database.Driver) error {
	source, err := iofs.New(migrations.FS, folder)
	if err != nil {
		return errors.Join(fmt.Errorf("read the migrations: %w", err), target.Close())
	}
	m, err := migrate.NewWithInstance("iofs", source, folder, target)
	if err != nil {
		return errors.Join(fmt.Errorf("prepare the migrations: %w", err), source.Close(), target.Close())
	}
	err = m.Up()
	if errors.Is(err, migrate.ErrNoChange) {
		err = nil
	}
	sourceErr, targetErr := m.Close()
	return errors.Join(err, sourceErr, targetErr)
}
