package apidocs

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI document as far as the page shows it. Paths are a node,
// since their order says what belongs together.
type document struct {
	Info struct {
		Title       string
		Description string
	}
	Tags       []tag
	Paths      yaml.Node
	Security   []map[string][]string
	Components components
}

type tag struct {
	Name        string
	Description string
	Operations  []operation `yaml:"-"`
}

type components struct {
	SecuritySchemes map[string]struct{ Description string } `yaml:"securitySchemes"`
	Parameters      map[string]parameter
	Responses       map[string]response
	Schemas         map[string]*schema
}

type operation struct {
	// Method and Path are filled in from where the operation stands.
	Method, Path string `yaml:"-"`
	ID           string `yaml:"operationId"`
	Tags         []string
	Summary      string
	Description  string
	Security     *[]map[string][]string
	Parameters   []parameter
	Body         *struct {
		Required bool
		Content  yaml.Node
	} `yaml:"requestBody"`
	Responses yaml.Node
}

type parameter struct {
	Ref         string `yaml:"$ref"`
	Name, In    string
	Required    bool
	Description string
	Schema      *schema
	Example     any
}

type response struct {
	Ref         string `yaml:"$ref"`
	Description string
	Content     yaml.Node
}

type media struct {
	Schema  *schema
	Example any
}

type schema struct {
	Ref         string `yaml:"$ref"`
	Description string
	Type        string
	Format      string
	Enum        []any
	Default     any
	Minimum     any
	Maximum     any
	Required    []string
	Properties  yaml.Node
	Items       *schema
	OneOf       []*schema `yaml:"oneOf"`
	AllOf       []*schema `yaml:"allOf"`
	Additional  yaml.Node `yaml:"additionalProperties"`
	Example     any
}

// parse reads a document and sorts its operations by their tags.
func parse(text []byte) (*document, error) {
	var d document
	if err := yaml.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	err := pairs(d.Paths, func(path string, item yaml.Node) error {
		var shared struct{ Parameters []parameter }
		if err := item.Decode(&shared); err != nil {
			return err
		}
		return pairs(item, func(method string, node yaml.Node) error {
			if method == "parameters" {
				return nil
			}
			o := operation{Method: strings.ToUpper(method), Path: path}
			if err := node.Decode(&o); err != nil {
				return err
			}
			o.Parameters = append(shared.Parameters, o.Parameters...)
			d.add(o)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the API's description: %w", err)
	}
	return &d, nil
}

func (d *document) add(o operation) {
	for i := range d.Tags {
		if len(o.Tags) > 0 && d.Tags[i].Name == o.Tags[0] {
			d.Tags[i].Operations = append(d.Tags[i].Operations, o)
		}
	}
}

// pairs calls f with the members of a mapping in the order in which they stand.
func pairs(n yaml.Node, f func(key string, value yaml.Node) error) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := f(n.Content[i].Value, *n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// name is the last part of a reference.
func name(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }
