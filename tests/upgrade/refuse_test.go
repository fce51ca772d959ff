package upgrade

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/harborhook/harborhook/tests/harness"
)

// TestADatabaseOfANewerReleaseIsLeftAlone and its messages.
func TestADatabaseOfANewerReleaseIsLeftAlone(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *store) {
		s.migrateTo(len(levels))
		newer := len(levels) + 3
		s.exec(fmt.Sprintf("UPDATE schema_migrations SET version = %d", newer))
		for _, command := range s.commands() {
			out := s.refused(command)
			for _, want := range []string{
				fmt.Sprintf("the database has schema %d, and this program knows schemas up to %d", newer, len(levels)),
				"Start that release, or restore the backup",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("%s says %q, without %q", command, out, want)
				}
			}
		}
		if got := s.texts("SELECT version FROM schema_migrations"); len(got) != 1 || got[0] != fmt.Sprint(newer) {
			t.Errorf("the schema is %v afterwards", got)
		}
	})
}

// TestAHalfDoneMigrationIsLeftAlone and says what to do, which helps.
func TestAHalfDoneMigrationIsLeftAlone(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s *store) {
		last := len(levels)
		s.migrateTo(last - 1)
		s.exec(fmt.Sprintf("UPDATE schema_migrations SET version = %d, dirty = true", last))
		advice := fmt.Sprintf("set schema_migrations to version %d and dirty to false", last-1)
		for _, command := range s.commands() {
			out := s.refused(command)
			if !strings.Contains(out, fmt.Sprintf("migration %d of the database was begun and not finished", last)) || !strings.Contains(out, advice) {
				t.Errorf("%s says %q", command, out)
			}
		}
		s.exec(fmt.Sprintf("UPDATE schema_migrations SET version = %d, dirty = false", last-1))
		s.run()
		if got := s.texts("SELECT version FROM schema_migrations WHERE NOT dirty"); len(got) != 1 || got[0] != fmt.Sprint(last) {
			t.Errorf("the schema is %v afterwards", got)
		}
	})
}

// commands are those that migrate.
func (s *store) commands() []string {
	if s.shape == harness.Standalone {
		return []string{"standalone", "migrate"}
	}
	return []string{"core", "jobservice", "migrate"}
}

// refused runs a command that must end by itself with an exit code other than 0, and
// returns what it says.
func (s *store) refused(command string) string {
	s.t.Helper()
	settings := map[string]string{
		"ENCRYPTION_KEY": key, "ADMIN_PASSWORD": "Passw0rd-of-root", "CORE_ADDR": harness.FreeAddr(s.t), "JOBSERVICE_ADDR": harness.FreeAddr(s.t),
	}
	if s.shape == harness.Standalone {
		settings["DATA_DIR"], settings["REGISTRY_ADDR"] = s.place, harness.FreeAddr(s.t)
	} else {
		settings["DATABASE_URL"], settings["REDIS_URL"] = s.place, suite.Redis(s.t).URL()
		settings["SECRET"], settings["NOTIFICATION_TOKEN"], settings["COMPONENT_TOKEN"] = uuid.NewString(), uuid.NewString(), uuid.NewString()
		settings["JOBSERVICE_URL"] = "http://" + settings["JOBSERVICE_ADDR"]
	}
	cmd := exec.CommandContext(s.t.Context(), suite.Binary(s.t), command)
	cmd.Dir = s.t.TempDir()
	for name, value := range settings {
		cmd.Env = append(cmd.Env, "HARBORHOOK_"+name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		s.t.Errorf("%s ended with 0: %s", command, out)
	}
	return string(out)
}
