package packaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaOf compiles a schema of testdata, or a part of it.
func schemaOf(t *testing.T, name, part string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text(t, "tests/packaging/testdata/"+name))))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name + part)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// fits says what in an object a schema does not allow.
func fits(t *testing.T, schema *jsonschema.Schema, o object) error {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(document)
}

// kubernetes is the schema of an object, by what it says that it is.
func kubernetes(t *testing.T, o object) *jsonschema.Schema {
	t.Helper()
	return schemaOf(t, "kubernetes.json", fmt.Sprintf("#/kinds/%s%%20%s", escaped(fmt.Sprint(o["apiVersion"])), o["kind"]))
}

// escaped is a key as a JSON pointer has it.
func escaped(key string) string {
	return string(bytes.ReplaceAll([]byte(key), []byte("/"), []byte("~1")))
}

func TestKubernetesKnowsAllOfTheManifests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "make/kubernetes/*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("the manifests are %v: %v", files, err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "kustomization.yaml" {
			continue // a file of kubectl, not an object of Kubernetes
		}
		for _, o := range documents(t, "make/kubernetes/"+name) {
			if err := fits(t, kubernetes(t, o), o); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestComposeKnowsAllOfTheComposition(t *testing.T) {
	t.Parallel()
	all := documents(t, "make/docker-compose.yml")
	if err := fits(t, schemaOf(t, "compose.json", ""), all[0]); err != nil {
		t.Errorf("%v", err)
	}
}

// TestMistakesAreFound by the schemas: what somebody mistypes is not left out silently.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	deployment := func() object { return documents(t, "make/kubernetes/core.yaml")[0] }
	container := func(o object) object {
		c, _ := at(o, "spec", "template", "spec", "containers", 0).(object)
		return c
	}
	for what, spoil := range map[string]func(o object){
		"a field that does not exist": func(o object) { container(o)["readinesProbe"] = object{} },
		"a text instead of a number":  func(o object) { o["spec"].(object)["replicas"] = "two" },
		"a field that is missing":     func(o object) { delete(container(o), "name") },
	} {
		o := deployment()
		spoil(o)
		if fits(t, kubernetes(t, o), o) == nil {
			t.Errorf("%s is not found", what)
		}
	}
	composition := documents(t, "make/docker-compose.yml")[0]
	core, _ := at(composition, "services", "core").(object)
	core["comand"] = []any{"core"}
	if fits(t, schemaOf(t, "compose.json", ""), composition) == nil {
		t.Error("a field that Compose does not know is not found")
	}
}
