package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/core/auth"
	"github.com/harborhook/harborhook/src/hook"
	"github.com/harborhook/harborhook/src/store"
)

// The first user and the first project, as in Harbor.
const (
	adminName    = "admin"
	firstProject = "library"
)

// bootstrap creates the first system admin and the first project where they are
// missing. Several processes may do so at once.
func bootstrap(ctx context.Context, cfg config.Config, s *store.Store) error {
	if err := createAdmin(ctx, cfg, s); err != nil {
		return err
	}
	err := s.CreateProject(ctx, &hook.Project{Name: firstProject, Public: true, OwnerName: adminName})
	if err != nil && !errors.Is(err, hook.ErrConflict) {
		return fmt.Errorf("create the project %s: %w", firstProject, err)
	}
	return nil
}

func createAdmin(ctx context.Context, cfg config.Config, s *store.Store) error {
	_, err := s.UserByName(ctx, adminName)
	if err == nil {
		return nil
	}
	if !errors.Is(err, hook.ErrNotFound) {
		return fmt.Errorf("look for the user %s: %w", adminName, err)
	}
	if cfg.AdminPassword == "" {
		return errors.New("HARBORHOOK_ADMIN_PASSWORD is not set, and the database has no user admin yet; set it to the password that admin shall have")
	}
	hash, err := auth.HashPassword(cfg.AdminPassword.Reveal())
	if err != nil {
		return fmt.Errorf("HARBORHOOK_ADMIN_PASSWORD: %w", err)
	}
	err = s.CreateUser(ctx, &hook.User{Username: adminName, Realname: "system admin", PasswordHash: hash, SysAdmin: true})
	if err != nil && !errors.Is(err, hook.ErrConflict) {
		return fmt.Errorf("create the user %s: %w", adminName, err)
	}
	return nil
}
