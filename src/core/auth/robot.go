package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/harborhook/harborhook/src/hook"
)

// Robots finds the accounts of programs.
type Robots interface {
	// RobotByName returns hook.ErrNotFound if the project, or a robot of this name in
	// it, does not exist.
	RobotByName(ctx context.Context, project, name string) (hook.Robot, error)
}

// RobotActions returns what a robot can be given. Managing the project, its
// members and its robots is left to people, so that no robot can give itself or
// another one more than it was given.
func RobotActions() []Action {
	return []Action{
		ActionPolicyList, ActionPolicyRead, ActionPolicyCreate, ActionPolicyUpdate,
		ActionPolicyDelete, ActionPolicyTest, ActionJobList, ActionJobUpdate,
		ActionProjectRead, ActionPull, ActionPush, ActionDeleteArtifact,
	}
}

// robotSecretBytes make a secret that nobody guesses.
const robotSecretBytes = 32

// NewRobotSecret returns a secret, which is to be shown once, and the hash to keep.
//
// The hash is SHA-256 alone. A slow hash protects what people choose, which a
// stolen hash lets others guess; here are 256 random bits, which nobody guesses
// at any speed. And programs sign in with every request, so checking is to be cheap.
func NewRobotSecret() (secret, hash string) {
	raw := make([]byte, robotSecretBytes)
	rand.Read(raw) // never fails: the runtime stops the process instead
	secret = base64.RawURLEncoding.EncodeToString(raw)
	return secret, robotHash(secret)
}

func robotHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// authenticateRobot checks the secret of the robot of this full name. Failures are
// not counted: they cannot come near a secret, and a pipeline that still has an
// old one must not hold up the people who share its address.
func (s *Service) authenticateRobot(ctx context.Context, fullName, secret string) (Identity, error) {
	r, known, err := s.robot(ctx, fullName)
	if err != nil {
		return Identity{}, err
	}
	if !hmac.Equal([]byte(robotHash(secret)), []byte(r.SecretHash)) || !known {
		return Identity{}, ErrUnauthenticated
	}
	return identityOfRobot(r), nil
}

// robot returns the robot of this full name if it may sign in now.
func (s *Service) robot(ctx context.Context, fullName string) (r hook.Robot, known bool, err error) {
	project, name, ok := hook.ParseRobotName(fullName)
	if !ok || s.robots == nil {
		return hook.Robot{}, false, nil
	}
	r, err = s.robots.RobotByName(ctx, project, name)
	switch {
	case errors.Is(err, hook.ErrNotFound):
		return hook.Robot{}, false, nil
	case err != nil:
		return hook.Robot{}, false, fmt.Errorf("look up robot: %w", err)
	}
	over := !r.ExpiresAt.IsZero() && !s.verified.now().Before(r.ExpiresAt)
	return r, !r.Disabled && !over, nil
}

// isRobot says whether this is the full name of a robot.
func isRobot(name string) bool {
	_, _, ok := hook.ParseRobotName(name)
	return ok
}

// granted says whether the robot was given this, in its own project.
func granted(r *hook.Robot, p hook.Project, a Action) bool {
	return r.ProjectID == p.ID && slices.Contains(RobotActions(), a) && slices.Contains(r.Permissions, string(a))
}
