package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// machines are the robots by full name.
type machines map[string]hook.Robot

func (m machines) RobotByName(_ context.Context, project, name string) (hook.Robot, error) {
	r, ok := m[hook.Robot{Project: project, Name: name}.FullName()]
	if !ok {
		return hook.Robot{}, hook.ErrNotFound
	}
	return r, nil
}

// newRobots returns a service that knows one robot, and the robot's secret.
func newRobots(t *testing.T) (s *Service, robots machines, c *clock, secret string) {
	t.Helper()
	s, _, c = newService(t)
	secret, hash := NewRobotSecret()
	robots = machines{"robot$p1+ci": {
		ID: 7, ProjectID: 1, Project: "p1", Name: "ci", SecretHash: hash, Permissions: []string{string(ActionPull)}, ExpiresAt: c.Now().Add(time.Hour),
	}}
	s.robots = robots
	return s, robots, c, secret
}

func TestARobotSignsInWithItsSecret(t *testing.T) {
	t.Parallel()
	s, _, _, secret := newRobots(t)
	id, err := s.Authenticate(t.Context(), "robot$p1+ci", secret, "192.0.2.1")
	if err != nil || id.Robot == nil || id.Robot.ID != 7 || id.Robot.SecretHash != "" || id.Name() != "robot$p1+ci" || id.SysAdmin() || id.IsUser() {
		t.Fatalf("%+v, %v", id, err)
	}
	for name, shown := range map[string]string{
		"robot$p1+ci": secret + "x", "robot$p1+": secret, "robot$+ci": secret, "robot$p1+x": secret, "robot$p2+ci": secret,
		"robot$p1": secret, "p1+ci": secret, "ci": secret, "ROBOT$p1+ci": secret, "robot$p1+ci+": secret,
	} {
		if id, err := s.Authenticate(t.Context(), name, shown, ""); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	if _, err := s.Authenticate(t.Context(), "robot$p1+x", "", ""); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("an unknown robot without secret: %v", err)
	}
}

func TestSecretsOfRobotsDiffer(t *testing.T) {
	t.Parallel()
	first, firstHash := NewRobotSecret()
	second, secondHash := NewRobotSecret()
	if first == second || firstHash == secondHash || len(first) < 43 || strings.Contains(firstHash, first) {
		t.Errorf("%s and %s", firstHash, secondHash)
	}
}

func TestARobotMayNotSignInAnyMore(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*hook.Robot, *clock){
		"disabled":     func(r *hook.Robot, _ *clock) { r.Disabled = true },
		"expired":      func(_ *hook.Robot, c *clock) { c.pass(2 * time.Minute) },
		"other secret": func(r *hook.Robot, _ *clock) { _, r.SecretHash = NewRobotSecret() },
		"removed":      func(r *hook.Robot, _ *clock) { r.Name = "" },
	} {
		s, robots, c, secret := newRobots(t)
		id, err := s.Authenticate(t.Context(), "robot$p1+ci", secret, "")
		if err != nil {
			t.Fatal(err)
		}
		c.pass(time.Hour - time.Minute)
		token, err := s.Token(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.AuthenticateToken(t.Context(), token); err != nil || got.Name() != "robot$p1+ci" {
			t.Fatalf("%+v, %v", got, err)
		}
		r := robots["robot$p1+ci"]
		change(&r, c)
		delete(robots, "robot$p1+ci")
		if r.Name != "" {
			robots["robot$p1+ci"] = r
		}
		if _, err := s.Authenticate(t.Context(), "robot$p1+ci", secret, ""); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.AuthenticateToken(t.Context(), token); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s, with a token: %v", name, err)
		}
		if _, err := s.Token(t.Context(), id); name != "other secret" && !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("%s, a new token: %v", name, err)
		}
	}
}

func TestARobotWithoutEndStays(t *testing.T) {
	t.Parallel()
	s, robots, c, secret := newRobots(t)
	r := robots["robot$p1+ci"]
	r.ExpiresAt = time.Time{}
	robots["robot$p1+ci"] = r
	c.pass(100 * 365 * 24 * time.Hour)
	if _, err := s.Authenticate(t.Context(), "robot$p1+ci", secret, ""); err != nil {
		t.Error(err)
	}
}

func TestAnOldSecretHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s, _, _, secret := newRobots(t)
	fail(t, s, 3*freeFailures, "robot$p1+ci", "192.0.2.1")
	if _, err := s.Authenticate(t.Context(), "robot$p1+ci", secret, "192.0.2.1"); err != nil {
		t.Errorf("the robot: %v", err)
	}
	if err := signIn(t, s, "alice", right, "192.0.2.1"); err != nil {
		t.Errorf("a person at the same address: %v", err)
	}
}

func TestARobotHasNoSession(t *testing.T) {
	t.Parallel()
	s, store, _ := newSessions(t)
	secret, hash := NewRobotSecret()
	s.service.robots = machines{"robot$p1+ci": {Project: "p1", Name: "ci", SecretHash: hash}}
	if _, err := s.SignIn(t.Context(), "robot$p1+ci", secret, ""); !errors.Is(err, ErrUnauthenticated) || len(store.sessions) > 0 {
		t.Errorf("%v, %v", err, store.sessions)
	}
}

// Every action × a robot that was given all of them: in its own project what a
// robot can be given; elsewhere what visitors may.
func TestARobotMayWhatItWasGivenInItsProject(t *testing.T) {
	t.Parallel()
	r := hook.Robot{ProjectID: 1, Project: "p1", Name: "ci"}
	for _, a := range Actions() {
		r.Permissions = append(r.Permissions, string(a))
	}
	all, none := identityOfRobot(r), identityOfRobot(hook.Robot{ProjectID: 1})
	never := []Action{ActionProjectUpdate, ActionProjectDelete, ActionMemberList, ActionMemberManage, ActionRobotList, ActionRobotManage}
	for _, a := range Actions() {
		for _, public := range []bool{false, true} {
			visitors := public && (a == ActionPull || a == ActionProjectRead)
			// The role is nobody's: it must not count.
			own, other := hook.Project{ID: 1, Public: public}, hook.Project{ID: 2, Public: public}
			if got := Allowed(all, own, hook.RoleProjectAdmin, a); got != !slices.Contains(never, a) {
				t.Errorf("%s in its own project: %t", a, got)
			}
			if got := Allowed(all, other, hook.RoleProjectAdmin, a); got != visitors {
				t.Errorf("%s in another project, public %t: %t", a, public, got)
			}
			if got := Allowed(none, own, hook.RoleProjectAdmin, a); got != visitors {
				t.Errorf("%s without permissions, public %t: %t", a, public, got)
			}
		}
	}
	if Allowed(identityOfRobot(hook.Robot{ProjectID: 1, Permissions: []string{"project:explode"}}), hook.Project{ID: 1}, hook.RoleNone, "project:explode") {
		t.Error("an unknown action is allowed")
	}
}

func TestNobodysRoleIsLookedUpForARobot(t *testing.T) {
	t.Parallel()
	s, d, _ := newService(t)
	d.role = hook.RoleProjectAdmin
	id := identityOfRobot(hook.Robot{ProjectID: 1, Permissions: []string{string(ActionPull)}})
	for a, want := range map[Action]bool{ActionPull: true, ActionPush: false} {
		if ok, err := s.Can(t.Context(), id, hook.Project{ID: 1}, a); ok != want || err != nil || d.asked != 0 {
			t.Errorf("%s: %t, %v, asked %d times", a, ok, err, d.asked)
		}
	}
}
