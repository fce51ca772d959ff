package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// eachDeclaration calls f with every declared type and function of the package,
// tests left out.
func eachDeclaration(t *testing.T, f func(name string, node ast.Node)) {
	t.Helper()
	for _, file := range sources(t, "*.go") {
		for _, declaration := range file.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				f(d.Name.Name, d)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					name := ""
					if typ, ok := spec.(*ast.TypeSpec); ok {
						name = typ.Name.Name
					}
					f(name, spec)
				}
			}
		}
	}
}

// sources parses the files of the pattern, tests left out.
func sources(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		t.Fatalf("no file is called %s", pattern)
	}
	return files
}

// constants returns the values of a type's constants in a file of package hook.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	var values []string
	for _, f := range sources(t, filepath.Join("..", "..", "hook", file)) {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != typ {
				return true
			}
			for _, value := range spec.Values {
				if l, ok := value.(*ast.BasicLit); ok {
					if text, err := strconv.Unquote(l.Value); err == nil {
						values = append(values, text)
					}
				}
			}
			return true
		})
	}
	return values
}
