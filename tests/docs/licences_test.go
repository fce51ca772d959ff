package docs

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of licences")

const (
	dependenciesFile = "../../docs/dependencies.md"
	licencesHeading  = "## What the binary contains\n"
	licencesHead     = "| module | version | licence |\n|---|---|---|\n"
)

// allowed are the licences whose terms a binary under Apache 2.0 can keep.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// marks tell licences by their words, the most particular first.
var marks = []struct {
	licence string
	words   []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
	{"MPL-2.0", []string{"Mozilla Public License", "2.0"}},
	{"AGPL", []string{"GNU AFFERO GENERAL PUBLIC LICENSE"}},
	{"LGPL", []string{"GNU LESSER GENERAL PUBLIC LICENSE"}},
	{"GPL", []string{"GNU GENERAL PUBLIC LICENSE"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "endorse or promote"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software"}},
	{"MIT", []string{"Permission is hereby granted, free of charge"}},
}

func licenceIn(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, m := range marks {
		if !slices.ContainsFunc(m.words, func(word string) bool { return !strings.Contains(text, word) }) {
			return m.licence
		}
	}
	return "unknown"
}

// licenceOf reads the licence in a module's folder.
func licenceOf(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if !e.IsDir() && (strings.HasPrefix(name, "LICENSE") || strings.HasPrefix(name, "LICENCE") || strings.HasPrefix(name, "COPYING")) {
			text, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			return licenceIn(string(text))
		}
	}
	return "none"
}

func TestTheLicencesInTheBinaryAreAllowedAndDocumented(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps",
		"-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}} {{.Dir}}{{end}}{{end}}", "./src/cmd/harborhook")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "GOPROXY=off", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	table := licencesHead
	for _, line := range slices.Compact(lines) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			continue // a package of the standard library
		}
		licence := licenceOf(t, fields[2])
		if !slices.Contains(allowed, licence) {
			t.Errorf("%s has the licence %q", fields[0], licence)
		}
		table += fmt.Sprintf("| %s | %s | %s |\n", fields[0], fields[1], licence)
	}
	text, err := os.ReadFile(dependenciesFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), licencesHead)
	if !found || !strings.Contains(before, licencesHeading) {
		t.Fatalf("%s has no table of licences", dependenciesFile)
	}
	after := ""
	if i := strings.Index(rest, "\n\n"); i >= 0 {
		after = rest[i+1:]
	}
	want := before + table + after
	if *update {
		if err := os.WriteFile(dependenciesFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("%s is not what the binary contains: run make generate", dependenciesFile)
	}
}

func TestLicencesAreToldByTheirWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"MIT License\n\nPermission is hereby granted, free\nof charge, to any": "MIT",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3":                                "GPL",
		"GNU AFFERO GENERAL PUBLIC LICENSE":                                    "AGPL",
		"Do what you want":                                                     "unknown",
	} {
		if got := licenceIn(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

// Two builds of the same sources in different folders must not differ, so that
// anybody can check where a binary comes from.
func TestTheBuildIsReproducible(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	var built [2][]byte
	for i, folder := range []string{first, second} {
		if out, err := exec.CommandContext(t.Context(), "cp", "-r", "../../src", "../../make", "../../docs", "../../go.mod", "../../go.sum", folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=v0", "-o", "out", "./src/cmd/harborhook")
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var err error
		if built[i], err = os.ReadFile(filepath.Join(folder, "out")); err != nil {
			t.Fatal(err)
		}
	}
	if len(built[0]) == 0 || string(built[0]) != string(built[1]) {
		t.Error("the same sources in another folder make another binary")
	}
}
