package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// What people copy from the documentation and the deployment files must be
// settings that exist.
func TestEveryVariableThatIsMentionedExists(t *testing.T) {
	t.Parallel()
	known := []string{FileVariable}
	for _, s := range Settings() {
		known = append(known, s.Variable)
		if s.Secret {
			known = append(known, s.Variable+fileSuffix)
		}
	}
	for _, name := range []string{"SERVER", "USER", "PASSWORD", "PROJECT"} { // of the commands that call a server
		known = append(known, "HARBORHOOK_"+name)
	}
	files := []string{"../../README.md", "../../Makefile"}
	for _, folder := range []string{"../../make", "../../docs"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".sum" {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	variable := regexp.MustCompile(`\bHARBORHOOK(_[A-Z]+)+\b`)
	mentions := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range variable.FindAllString(string(text), -1) {
			mentions++
			if !slices.Contains(known, name) {
				t.Errorf("%s mentions %s, which is no setting", path, name)
			}
		}
	}
	if mentions == 0 {
		t.Error("nothing is mentioned anywhere")
	}
}
