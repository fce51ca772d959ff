package upstream_test

import (
	"context"

	"github.com/harborhook/harborhook/src/hook"
)

// projects has every project.
type projects struct{}

func (projects) ProjectByName(_ context.Context, name string) (hook.Project, error) {
	return hook.Project{ID: 1, Name: name}, nil
}
