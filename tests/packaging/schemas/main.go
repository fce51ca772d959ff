// Command schemas picks out of Kubernetes' own description of its API (swagger.json of
// k8s.io/kubernetes) what the manifests need, as JSON Schema, and writes it to standard
// output. A field that Kubernetes does not know is not allowed then.
//
//	go mod download -json k8s.io/kubernetes@v1.34.2    # tells the folder
//	go run ./tests/packaging/schemas FOLDER/api/openapi-spec/swagger.json >tests/packaging/testdata/kubernetes.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// roots are the definitions of what is in make/kubernetes, by apiVersion and kind.
var roots = map[string]string{
	"apps/v1 Deployment":            "io.k8s.api.apps.v1.Deployment",
	"policy/v1 PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
	"v1 ConfigMap":                  "io.k8s.api.core.v1.ConfigMap",
	"v1 Namespace":                  "io.k8s.api.core.v1.Namespace",
	"v1 Secret":                     "io.k8s.api.core.v1.Secret",
	"v1 Service":                    "io.k8s.api.core.v1.Service",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one argument is wanted, the file swagger.json")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var swagger struct {
		Info        struct{ Version string }
		Definitions map[string]map[string]any
	}
	if err := json.Unmarshal(text, &swagger); err != nil {
		return fmt.Errorf("read %s: %w", args[0], err)
	}
	picked := map[string]any{}
	kinds := map[string]any{}
	for kind, name := range roots {
		pick(name, swagger.Definitions, picked)
		kinds[kind] = map[string]any{"$ref": "#/definitions/" + name}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(map[string]any{"$comment": "Kubernetes " + swagger.Info.Version, "kinds": kinds, "definitions": picked})
}

// pick adds a definition and all that it refers to.
func pick(name string, from map[string]map[string]any, to map[string]any) {
	if _, known := to[name]; known {
		return
	}
	definition := schema(from[name])
	to[name] = definition
	for _, other := range references(definition) {
		pick(other, from, to)
	}
}

// schema returns a part of the description as a JSON Schema that says nothing else.
func schema(described map[string]any) map[string]any {
	if described["format"] == "int-or-string" {
		return map[string]any{"type": []string{"integer", "string"}}
	}
	s := map[string]any{}
	for _, key := range []string{"$ref", "type", "enum", "required"} {
		if v, ok := described[key]; ok {
			s[key] = v
		}
	}
	if properties, ok := described["properties"].(map[string]any); ok {
		all := map[string]any{}
		for name, property := range properties {
			if p, ok := property.(map[string]any); ok {
				all[name] = schema(p)
			}
		}
		s["properties"], s["additionalProperties"] = all, false
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if part, ok := described[key].(map[string]any); ok {
			s[key] = schema(part)
		}
	}
	return s
}

// references are the names of the definitions that a schema refers to.
func references(v any) []string {
	var names []string
	parts, _ := v.(map[string]any)
	for key, part := range parts {
		if name, ok := part.(string); ok && key == "$ref" {
			names = append(names, strings.TrimPrefix(name, "#/definitions/"))
			continue
		}
		names = append(names, references(part)...)
	}
	return names
}
