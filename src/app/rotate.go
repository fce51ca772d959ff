package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/harborhook/harborhook/src/config"
	"github.com/harborhook/harborhook/src/store"
)

// RotateKey encrypts every secret in the database with the current encryption key
// and says on o.Out how far it is. It fails if a secret is left that no known key
// opens. With a database URL it is Core's database, otherwise the standalone
// shape's.
func RotateKey(ctx context.Context, cfg config.Config, o Options) (err error) {
	if cfg.DatabaseURL == "" {
		if cfg, err = config.ReadSecrets(cfg, cfg.DataDir); err != nil {
			return err
		}
		if _, err := os.Stat(sqlitePath(cfg)); err != nil {
			return fmt.Errorf("there is no database to encrypt anew; HARBORHOOK_DATA_DIR is %q: %w", cfg.DataDir, err)
		}
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	done, err := s.RotateKey(ctx, func(r store.Rotation) {
		fmt.Fprintf(o.Out, "%d policies, %d encrypted anew\n", r.Policies, r.Changed)
	})
	if err != nil {
		return fmt.Errorf("after %d policies, of which %d were encrypted anew; call it again to go on: %w", done.Policies, done.Changed, err)
	}
	if len(done.Unreadable) > 0 {
		return fmt.Errorf("policies %v have secrets that no known key opens: add their key to HARBORHOOK_OLD_ENCRYPTION_KEYS and call this again, or give them new secrets", done.Unreadable)
	}
	fmt.Fprintln(o.Out, "Every secret is encrypted with HARBORHOOK_ENCRYPTION_KEY; the old keys are not needed any more.")
	return nil
}
