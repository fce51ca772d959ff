package payload

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/harborhook/harborhook/src/hook"
)

// NameCustom is the name of the format whose template the policy brings.
const NameCustom = "Custom"

// MaxTemplate is the longest template, in bytes.
const MaxTemplate = 4096

func custom() Format {
	return Format{
		Name: NameCustom, ContentType: "application/json", TargetType: hook.TargetHTTP, Templated: true, Render: renderCustom,
	}
}

// renderCustom executes the target's template over the event. Its cost is
// bounded whatever the template says; what goes wrong, invalid JSON included, is
// an error in words for the template's author.
func renderCustom(e hook.Event, t hook.Target, o Options) ([]byte, error) {
	values, err := templateValues(e, o)
	if err != nil {
		return nil, err
	}
	body, err := execute(t.PayloadTemplate, values)
	if err != nil {
		return nil, err
	}
	return body, checkJSON(body)
}

// checkJSON says where a body is no JSON. Package json does not look at UTF-8.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return refusal("the template does not write valid UTF-8")
	}
	var whole json.RawMessage
	err := json.Unmarshal(body, &whole)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return refusalf("the template does not write valid JSON: %s at byte %d", syntax, syntax.Offset)
	}
	return err
}

// maxData is the most data of an event that a template is given, in bytes.
const maxData = 256 << 10

// templateValues is what a template reads. Every key is always there, but for
// those of data, which depend on the event's type.
func templateValues(e hook.Event, o Options) (map[string]any, error) {
	data, err := templateData(e)
	if err != nil {
		return nil, err
	}
	resources := make([]any, len(e.Resources))
	for i, r := range e.Resources {
		resources[i] = resourceValues(e, r, o)
	}
	var first hook.Resource
	if len(e.Resources) > 0 {
		first = e.Resources[0]
	}
	values := resourceValues(e, first, o)
	if e.Repository == "" {
		values["resource_url"] = ""
	}
	for name, value := range map[string]any{
		"type":         string(e.Type),
		"harbor_type":  o.typeOf(e).V2Name,
		"title":        o.typeOf(e).Title,
		"event_id":     e.ID,
		"project":      e.Project,
		"project_type": projectType(e.Public),
		"repository":   e.Repository,
		"full_name":    fullName(e),
		"operator":     e.Operator,
		"occurred_at":  e.OccurredAt.UTC().Format(time.RFC3339),
		"trigger_time": e.OccurredAt.UnixMilli(),
		"recovered":    e.Recovered,
		"resources":    resources,
		"data":         data,
	} {
		values[name] = value
	}
	return values, nil
}

func fullName(e hook.Event) string {
	if e.Repository == "" {
		return e.Project
	}
	return e.Project + "/" + e.Repository
}

func resourceValues(e hook.Event, r hook.Resource, o Options) map[string]any {
	platforms := make([]any, len(r.Platforms))
	for i, p := range r.Platforms {
		platforms[i] = map[string]any{
			"os": p.OS, "architecture": p.Architecture, "variant": p.Variant, "digest": p.Digest, "image_id": p.ImageID,
		}
	}
	return map[string]any{
		"tag": r.Tag, "digest": r.Digest, "image_id": r.ImageID, "change": string(r.Change),
		"resource_url": resourceURL(e, r, o), "platforms": platforms,
	}
}

// templateData returns the event's data as maps, lists, strings, numbers and bools.
func templateData(e hook.Event) (map[string]any, error) {
	if len(e.Data) > maxData {
		return nil, refusalf("the event has %d bytes of data, a template takes at most %d", len(e.Data), maxData)
	}
	found, err := members(e.Data)
	if err != nil {
		return nil, err
	}
	data := make(map[string]any, len(found))
	for name, raw := range found {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("the event's data: %w", err)
		}
		data[name] = withIntegers(value)
	}
	return data, nil
}

// withIntegers makes whole numbers ints, so that templates compare and print
// them as such.
func withIntegers(value any) any {
	const exact = 1 << 53
	switch v := value.(type) {
	case float64:
		if v == float64(int64(v)) && -exact < v && v < exact {
			return int64(v)
		}
	case map[string]any:
		for name := range v {
			v[name] = withIntegers(v[name])
		}
	case []any:
		for i := range v {
			v[i] = withIntegers(v[i])
		}
	}
	return value
}
