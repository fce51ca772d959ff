package event

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/harborhook/harborhook/src/hook"
)

// CheckData says whether a component may send data with an event of this type:
// whether there is such a type, components raise it, and its schema allows the
// data. Data must be valid JSON. What is wrong is a *hook.InvalidError whose Field
// is a JSON pointer into data: empty if data as a whole, or the type, is wrong,
// and the place of the missing member if one is missing.
func (c *Catalog) CheckData(name hook.EventType, data json.RawMessage) error {
	s, ok := c.data[name]
	if !ok {
		return hook.Invalid("", fmt.Sprintf("components raise no events of type %q", name))
	}
	return s.check(data)
}

// schema is a compiled JSON schema. It may be used by several goroutines at once.
type schema struct{ compiled *jsonschema.Schema }

// compileSchemas compiles the schemas of those types that have one. A schema
// stands for itself: it may not refer to others, in files or elsewhere.
func compileSchemas(types []Type) (map[hook.EventType]*schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiled := make(map[hook.EventType]*schema)
	for _, t := range types {
		if !t.OfComponent() {
			continue
		}
		s, err := compileSchema(compiler, "harborhook:///"+string(t.Name), t.Schema)
		if err != nil {
			return nil, fmt.Errorf("schema of %q: %w", t.Name, err)
		}
		compiled[t.Name] = s
	}
	return compiled, nil
}

func compileSchema(compiler *jsonschema.Compiler, address, text string) (*schema, error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := compiler.AddResource(address, document); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(address)
	if err != nil {
		return nil, err
	}
	return &schema{compiled}, nil
}

func (s *schema) check(data json.RawMessage) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return hook.Invalid("", "is not valid JSON")
	}
	err = s.compiled.Validate(document)
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return err
	}
	return explain(wrong)
}

// mistake is one place where data breaks its schema.
type mistake struct{ pointer, reason string }

// explain returns, of all mistakes that a schema found, the first by its pointer:
// the library finds them in no particular order.
func explain(found *jsonschema.ValidationError) error {
	first := slices.MinFunc(mistakes(found), func(a, b mistake) int { return cmp.Compare(a.pointer, b.pointer) })
	return hook.Invalid(first.pointer, first.reason)
}

// mistakes returns the causes that have no cause themselves: those above them
// only say by which rules they were found.
func mistakes(found *jsonschema.ValidationError) []mistake {
	if len(found.Causes) == 0 {
		return []mistake{mistakeOf(found)}
	}
	var all []mistake
	for _, cause := range found.Causes {
		all = append(all, mistakes(cause)...)
	}
	return all
}

func mistakeOf(found *jsonschema.ValidationError) mistake {
	place := found.InstanceLocation
	switch k := found.ErrorKind.(type) {
	case *kind.Required:
		return mistake{pointer(place, slices.Min(k.Missing)), "is missing"}
	case *kind.AdditionalProperties:
		return mistake{pointer(place, slices.Min(k.Properties)), "unknown field"}
	default:
		return mistake{pointer(place), k.LocalizedString(message.NewPrinter(language.English))}
	}
}

// pointer returns the JSON pointer (RFC 6901) of a member of a place. Names are
// cut to a length that can be shown.
func pointer(place []string, member ...string) string {
	var b strings.Builder
	for _, name := range slices.Concat(place, member) {
		b.WriteString("/" + hook.PointerToken(name))
	}
	return b.String()
}
