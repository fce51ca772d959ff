package apidocs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// page is what the template shows.
type page struct {
	Title   string
	Intro   []string
	Tags    []section
	Schemas []object
}

type section struct {
	Name, Description string
	Operations        []entry
}

type entry struct {
	ID, Method, Path, Summary, Description, Access string
	// Second says that it is one of Harbor 2's.
	Second     bool
	Parameters []row
	Body       *content
	Responses  []content
	Curl       string
}

// row is a parameter or a member. Kind says how its value looks, and Ref names the
// schema that says more.
type row struct {
	Name, Where, Kind, Ref, Description string
	Required                            bool
}

// content is a body: of a request, or of the answer with Status.
type content struct {
	Status, Description, Media, Kind, Ref, Example string
}

type object struct {
	Name, Kind, Description, Example string
	Members                          []row
}

// newPage lays the document out.
func newPage(d *document) (page, error) {
	p := page{Title: d.Info.Title, Intro: paragraphs(d.Info.Description)}
	for _, t := range d.Tags {
		s := section{Name: t.Name, Description: t.Description}
		for _, o := range t.Operations {
			e, err := d.entry(o)
			if err != nil {
				return page{}, fmt.Errorf("operation %s: %w", o.ID, err)
			}
			s.Operations = append(s.Operations, e)
		}
		p.Tags = append(p.Tags, s)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		o, err := newObject(name, d.Components.Schemas[name])
		if err != nil {
			return page{}, fmt.Errorf("schema %s: %w", name, err)
		}
		p.Schemas = append(p.Schemas, o)
	}
	return p, nil
}

func paragraphs(text string) []string {
	var all []string
	for part := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(text), "\n*", "\n\n*"), "\n\n") {
		all = append(all, strings.Join(strings.Fields(part), " "))
	}
	return all
}

func (d *document) entry(o operation) (entry, error) {
	e := entry{ID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Description, Access: d.access(o), Second: strings.HasPrefix(o.Path, "/api/v2.0/")}
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[name(p.Ref)]
		}
		e.Parameters = append(e.Parameters, row{p.Name, p.In, kind(p.Schema), ref(p.Schema), p.Description, p.Required})
	}
	if o.Body != nil {
		bodies, err := d.contents(content{}, o.Body.Content)
		if err != nil {
			return entry{}, err
		}
		e.Body = &bodies[0]
	}
	err := pairs(o.Responses, func(status string, node yaml.Node) error {
		var r response
		if err := node.Decode(&r); err != nil {
			return err
		}
		if r.Ref != "" {
			r = d.Components.Responses[name(r.Ref)]
		}
		answers, err := d.contents(content{Status: status, Description: r.Description}, r.Content)
		e.Responses = append(e.Responses, answers...)
		return err
	})
	e.Curl = d.curl(o, e.Body)
	return e, err
}

// contents returns one content for each media type, or one without a body.
func (d *document) contents(about content, node yaml.Node) ([]content, error) {
	var all []content
	err := pairs(node, func(mediaType string, node yaml.Node) error {
		var m media
		if err := node.Decode(&m); err != nil {
			return err
		}
		c := about
		c.Media, c.Kind, c.Ref = mediaType, kind(m.Schema), ref(m.Schema)
		if m.Example == nil && c.Ref != "" && c.Kind == c.Ref {
			m.Example = d.Components.Schemas[c.Ref].Example
		}
		var err error
		c.Example, err = shown(m.Example)
		all = append(all, c)
		return err
	})
	if len(all) == 0 {
		all = []content{about}
	}
	return all, err
}

// access says what the caller must show.
func (d *document) access(o operation) string {
	security := d.Security
	if o.Security != nil {
		security = *o.Security
	}
	var ways []string
	for _, way := range security {
		if len(way) == 0 {
			ways = append(ways, "nothing")
		}
		ways = append(ways, slices.Sorted(maps.Keys(way))...)
	}
	if len(ways) == 0 {
		return "nothing"
	}
	return strings.Join(ways, " or ")
}

// curl returns a command that makes the call.
func (d *document) curl(o operation, body *content) string {
	command := "curl"
	switch access := d.access(o); {
	case strings.Contains(access, "basic"):
		command += ` -u "admin:$PASSWORD"`
	case access != "nothing":
		command += ` -H "Authorization: Bearer $TOKEN"`
	}
	switch {
	case o.Method == http.MethodHead:
		command += " -I"
	case o.Method == http.MethodGet, o.Method == http.MethodPost && body != nil: // curl's own choice
	default:
		command += " -X " + o.Method
	}
	path := o.Path
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = d.Components.Parameters[name(p.Ref)]
		}
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Example))
		}
	}
	command += " http://127.0.0.1:8080" + path
	if body != nil {
		command += " \\\n  -H 'Content-Type: " + body.Media + "'"
		if body.Example != "" {
			command += " -d '" + strings.ReplaceAll(body.Example, "'", `'\''`) + "'"
		}
	}
	return command
}

func newObject(name string, s *schema) (object, error) {
	o := object{Name: name, Kind: kind(s), Description: s.Description}
	var err error
	if o.Example, err = shown(s.Example); err != nil {
		return object{}, err
	}
	err = pairs(s.Properties, func(member string, node yaml.Node) error {
		var of schema
		if err := node.Decode(&of); err != nil {
			return err
		}
		o.Members = append(o.Members, row{member, "", kind(&of), ref(&of), of.Description, slices.Contains(s.Required, member)})
		return nil
	})
	return o, err
}

// kind says in a few words which values a schema allows.
func kind(s *schema) string {
	if s == nil {
		return "anything"
	}
	switch {
	case s.Ref != "":
		return name(s.Ref)
	case len(s.AllOf) > 0:
		return kind(s.AllOf[0])
	case len(s.OneOf) > 0:
		kinds := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			kinds[i] = kind(one)
		}
		return strings.Join(kinds, " or ")
	case s.Type == "array":
		return "list of " + kind(s.Items)
	case s.Type == "":
		return "anything"
	}
	said := s.Type
	if s.Format == "date-time" {
		said = "time"
	}
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = fmt.Sprint(w)
		}
		said += ": " + strings.Join(words, ", ")
	}
	if s.Minimum != nil && s.Maximum != nil {
		said += fmt.Sprintf(" from %v to %v", s.Minimum, s.Maximum)
	}
	if s.Default != nil && s.Default != "" {
		said += fmt.Sprintf(", default %v", s.Default)
	}
	return said
}

// ref names the schema that a value, or each entry of a list, refers to.
func ref(s *schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return name(s.Ref)
	case len(s.AllOf) > 0:
		return ref(s.AllOf[0])
	default:
		return ref(s.Items)
	}
}

// shown writes an example as JSON.
func shown(example any) (string, error) {
	if example == nil {
		return "", nil
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(example)
	return strings.TrimSpace(b.String()), err
}
