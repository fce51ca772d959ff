package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/harborhook/harborhook/src/config"
)

func (p *program) runVersion(_ context.Context, c command, args []string) int {
	if code, ok := p.parse(c, p.flagSet(c, &config.Input{}), args); !ok {
		return code
	}
	info, _ := debug.ReadBuildInfo()
	fmt.Fprintln(p.stdout, versionLine(version, info))
	return exitOK
}

// versionLine says which version this is, built with which Go, from which
// commit if the build knows.
func versionLine(version string, info *debug.BuildInfo) string {
	line := fmt.Sprintf("harborhook %s, %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if info == nil {
		return line
	}
	setting := map[string]string{}
	for _, s := range info.Settings {
		setting[s.Key] = s.Value
	}
	if commit := setting["vcs.revision"]; commit != "" {
		line += ", commit " + commit
		if setting["vcs.modified"] == "true" {
			line += " with changes"
		}
	}
	return line
}
