package api_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/harborhook/harborhook/src/core/api"
	"github.com/harborhook/harborhook/src/core/event"
	"github.com/harborhook/harborhook/src/hook"
)

var parameter = regexp.MustCompile(`:(\w+)`)

// templateOf is a route's path as the document writes it.
func templateOf(r api.Route) string { return parameter.ReplaceAllString(r.Pattern, "{$1}") }

// eachOperation calls f with every operation of the document.
func eachOperation(d *openapi3.T, f func(method, path string, item *openapi3.PathItem, o *openapi3.Operation)) {
	for path, item := range d.Paths.Map() {
		for method, o := range item.Operations() {
			f(method, path, item, o)
		}
	}
}

func TestTheDocumentHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	d, served := theDocument(t), map[string]bool{}
	for _, r := range newSite(t, withEveryRoute).api.Routes() {
		path := templateOf(r)
		served[r.Method+" "+path] = true
		item := d.Paths.Value(path)
		if item == nil || item.Operations()[r.Method] == nil {
			t.Errorf("%s %s is served, but docs/openapi.yaml does not have it: add under paths\n  %s:\n    %s: …", r.Method, path, path, strings.ToLower(r.Method))
		}
	}
	eachOperation(d.T, func(method, path string, _ *openapi3.PathItem, _ *openapi3.Operation) {
		if !served[method+" "+path] && (method != http.MethodHead || !served["GET "+path]) {
			t.Errorf("docs/openapi.yaml has %s %s, which is not served", method, path)
		}
	})
}

// Every operation describes the parameters of its path, and who is asked for
// credentials; every name in it begins with a small letter and is used once.
func TestEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	access := map[string]api.Access{}
	for _, r := range newSite(t, withEveryRoute).api.Routes() {
		access[r.Method+" "+templateOf(r)] = r.Access
	}
	d, tags := theDocument(t), map[string]bool{}
	for _, tag := range d.Tags {
		tags[tag.Name] = true
	}
	eachOperation(d.T, func(method, path string, item *openapi3.PathItem, o *openapi3.Operation) {
		if o.OperationID == "" || o.Summary == "" || len(o.Tags) != 1 || !tags[o.Tags[0]] {
			t.Errorf("%s %s needs an operationId, a summary, and one of the tags at the top", method, path)
		}
		for _, match := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
			if item.Parameters.GetByInAndName("path", match[1]) == nil {
				t.Errorf("%s does not describe its parameter %s", path, match[1])
			}
		}
		_, refuses := o.Responses.Map()["401"]
		needs := access[method+" "+path] != api.Public || strings.HasPrefix(path, "/service/")
		if method != http.MethodHead && needs != refuses {
			t.Errorf("%s %s: whether it answers 401 is %t, documented is %t", method, path, needs, refuses)
		}
		open := o.Security != nil && len(*o.Security) == 0
		if method != http.MethodHead && needs == open {
			t.Errorf("%s %s: whether it asks for credentials is %t; see its security", method, path, needs)
		}
	})
}

// schemaOf says which schema describes what a struct of the package is written
// as. A struct without a name goes by the function that it stands in.
func schemaOf() map[string]string {
	return map[string]string{
		"policyJSON": "Policy", "targetJSON": "Target", "secondPolicyJSON": "PolicyV2", "secondTargetJSON": "TargetV2",
		"testJSON": "TestResult", "previewJSON": "Preview", "verdictJSON": "Verdict", "rotateSecret": "NewSecret",
		"lastTriggerJSON": "LastTrigger", "auditJSON": "AuditEntry",
		"eventTypesJSON": "EventTypes", "notifyFormats": "NotifyFormats", "eventDescription": "EventDescription",
		"jobJSON": "Job", "attemptJSON": "Attempt", "requestJSON": "SentRequest", "responseJSON": "GotResponse", "redeliveredJSON": "Redelivered",
		"executionJSON": "Execution", "executionAttributes": "ExecutionAttributes", "taskJSON": "Task",
		"projectJSON": "Project", "memberJSON": "Member", "summaryJSON": "Summary", "quotaJSON": "Quota",
		"userJSON": "User", "permissionJSON": "Permission",
		"systemInfo": "SystemInfo", "healthJSON": "Health", "componentJSON": "Component", "statisticsJSON": "Statistics",
		"search": "Found", "settingJSON": "Setting",
		"firstProblem": "Problem", "secondProblem": "ProblemV2Entry", "problem": "ProblemV2",
	}
}

// otherSchemas are those of answers that no struct of the package is written as.
func otherSchemas() []string { return []string{"Filter", "Taken", "ComponentTaken"} }

func TestTheDocumentHasEveryMemberThatIsServedAndNoOther(t *testing.T) {
	t.Parallel()
	d, rows := theDocument(t), schemaOf()
	for name, members := range structs(t) {
		schema, ok := rows[name]
		if !ok {
			t.Errorf("%s is written as JSON, but no schema describes it: add one to docs/openapi.yaml with the members %v, and a row here", name, slices.Sorted(maps.Keys(members)))
			continue
		}
		described := d.Components.Schemas[schema]
		if described == nil {
			t.Errorf("docs/openapi.yaml has no schema %s for %s: add it with the members %v", schema, name, slices.Sorted(maps.Keys(members)))
			continue
		}
		checkMembers(t, name, schema, members, described.Value)
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("there is no struct %s: take its row away, and its schema", name)
	}
	known := append(otherSchemas(), slices.Collect(maps.Values(schemaOf()))...)
	for name := range answered(d.T) {
		if !slices.Contains(known, name) {
			t.Errorf("docs/openapi.yaml answers with the schema %s, which no struct is written as", name)
		}
	}
}

// checkMembers compares a struct's members, and whether they are always there,
// with a schema's.
func checkMembers(t *testing.T, name, schema string, members map[string]bool, s *openapi3.Schema) {
	t.Helper()
	for member, always := range members {
		if s.Properties[member] == nil {
			t.Errorf("%s has the member %q: add it to the schema %s of docs/openapi.yaml", name, member, schema)
		} else if always != slices.Contains(s.Required, member) {
			t.Errorf("%q of %s is always there: %t; correct the list required of the schema %s", member, name, always, schema)
		}
	}
	for member := range s.Properties {
		if _, ok := members[member]; !ok {
			t.Errorf("the schema %s of docs/openapi.yaml has %q, which %s does not have", schema, member, name)
		}
	}
	if s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has {
		t.Errorf("the schema %s must say additionalProperties: false", schema)
	}
}

// structs returns the members of every struct of the package that is written as
// JSON, and whether they are always there.
func structs(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	eachDeclaration(t, func(name string, node ast.Node) {
		ast.Inspect(node, func(n ast.Node) bool {
			s, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			for _, field := range s.Fields.List {
				tag, ok := jsonTag(field)
				if !ok {
					continue
				}
				member, options, _ := strings.Cut(tag, ",")
				if found[name] == nil {
					found[name] = map[string]bool{}
				}
				found[name][member] = options != "omitempty"
			}
			return true
		})
	})
	return found
}

func jsonTag(field *ast.Field) (string, bool) {
	if field.Tag == nil {
		return "", false
	}
	match := regexp.MustCompile(`json:"([^"]+)"`).FindStringSubmatch(field.Tag.Value)
	if match == nil {
		return "", false
	}
	return match[1], true
}

// answered returns the names of the schemas with members that answers are made of.
func answered(d *openapi3.T) map[string]bool {
	found := map[string]bool{}
	var visit func(r *openapi3.SchemaRef)
	visit = func(r *openapi3.SchemaRef) {
		if r == nil || r.Value == nil {
			return
		}
		name := strings.TrimPrefix(r.Ref, "#/components/schemas/")
		if found[name] {
			return
		}
		if name != "" && len(r.Value.Properties) > 0 {
			found[name] = true
		}
		visit(r.Value.Items)
		visit(r.Value.AdditionalProperties.Schema)
		for _, of := range [][]*openapi3.SchemaRef{r.Value.AllOf, r.Value.OneOf, slices.Collect(maps.Values(r.Value.Properties))} {
			for _, inner := range of {
				visit(inner)
			}
		}
	}
	eachOperation(d, func(_, _ string, _ *openapi3.PathItem, o *openapi3.Operation) {
		for _, r := range o.Responses.Map() {
			for _, content := range r.Value.Content {
				visit(content.Schema)
			}
		}
	})
	return found
}

// candidates returns every text of the package that could be the name of a member or
// of a parameter.
func candidates(t *testing.T) []string {
	t.Helper()
	found, name := map[string]bool{}, regexp.MustCompile(`^[a-z][a-z_]*$`)
	eachDeclaration(t, func(_ string, node ast.Node) {
		ast.Inspect(node, func(n ast.Node) bool {
			l, ok := n.(*ast.BasicLit)
			if !ok || l.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(l.Value); err == nil && name.MatchString(text) {
				found[text] = true
			}
			return true
		})
	})
	return slices.Sorted(maps.Keys(found))
}

// A parameter that a route reads is refused if it holds what no database takes.
// So every name that stands in the package is tried with every route.
func TestTheDocumentHasEveryParameterThatIsReadAndNoOther(t *testing.T) {
	t.Parallel()
	s, d, all := newSite(t, withEveryRoute), theDocument(t), candidates(t)
	for _, r := range s.api.Routes() {
		o, _ := d.Operation(r.Method, pathOf(r))
		if o == nil {
			continue // TestTheDocumentHasEveryRouteAndNoOther says so
		}
		read := s.parameters(r, all)
		for _, name := range read {
			if o.Parameters.GetByInAndName("query", name) == nil {
				t.Errorf("%s reads the parameter %q: add it to docs/openapi.yaml", o.OperationID, name)
			}
		}
		for _, p := range o.Parameters {
			if p.Value.In == "query" && !slices.Contains(read, p.Value.Name) {
				t.Errorf("docs/openapi.yaml has the parameter %q of %s, which does not read it", p.Value.Name, o.OperationID)
			}
		}
	}
}

// parameters returns those of the names that a route reads from the query: it
// complains about one after the other.
func (s *site) parameters(r api.Route, names []string) []string {
	bad := url.Values{}
	for _, name := range names {
		bad[name] = []string{"\x00"}
	}
	usual := s.complaint(r, "", bodyOf(r))
	var read []string
	for {
		about := s.complaint(r, "?"+bad.Encode(), bodyOf(r))
		name, _, _ := strings.Cut(about, ": ")
		if _, tried := bad[name]; about == usual || !tried {
			return read
		}
		read = append(read, name)
		if delete(bad, name); name == "policy_id" {
			bad.Set(name, "3") // the second family wants one
		}
		if slices.Contains(read[:len(read)-1], name) {
			return read
		}
	}
}

// complaint returns the message with which a request of the system admin is
// refused, or nothing.
func (s *site) complaint(r api.Route, query, body string) string {
	w := s.do(root, r.Method, pathOf(r)+query, body)
	var answer struct {
		Message string
		Errors  []struct{ Message string }
	}
	if w.Code < http.StatusBadRequest {
		s.reset() // a refused request changes nothing
		return ""
	}
	if json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		return ""
	}
	if len(answer.Errors) > 0 {
		return answer.Errors[0].Message
	}
	return answer.Message
}

// A member that a route reads is refused if it is of the wrong kind, and in the
// first family one that is not known is refused too. So every name that stands in
// the package is tried with every route, and with every object in its body.
func TestTheDocumentHasEveryMemberThatIsReadAndNoOther(t *testing.T) {
	t.Parallel()
	s, d, all := newSite(t, withEveryRoute), theDocument(t), candidates(t)
	for _, r := range s.api.Routes() {
		o, _ := d.Operation(r.Method, pathOf(r))
		if r.Method == http.MethodGet || r.Access == api.Public || o == nil {
			continue
		}
		p := prober{t: t, site: s, route: r, operation: o, names: all}
		if o.RequestBody == nil {
			if strings.Contains(s.complaint(r, "", `{"nothing_like_it":{}}`), "unknown field") {
				t.Errorf("%s reads a body: add it to docs/openapi.yaml", o.OperationID)
			}
			continue
		}
		content := o.RequestBody.Value.Content.Get("application/json")
		schema := content.Schema.Value
		example, ok := content.Example.(map[string]any)
		if !ok {
			example, ok = schema.Example.(map[string]any)
		}
		if !ok {
			t.Errorf("the body of %s needs an example", o.OperationID)
			continue
		}
		p.probe("", schema, func(members map[string]any) map[string]any { return merged(example, members) })
	}
}

func merged(a, b map[string]any) map[string]any {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// prober finds out which members a route's body may have.
type prober struct {
	t         *testing.T
	site      *site
	route     api.Route
	operation *openapi3.Operation
	names     []string
}

// wrap makes a whole body around the members of an object in it.
type wrap func(members map[string]any) map[string]any

// probe compares the members of an object in the body with its schema.
func (p prober) probe(path string, schema *openapi3.Schema, body wrap) {
	p.t.Helper()
	known := p.known(path, schema, body)
	for _, name := range known {
		if schema.Properties[name] == nil && !open(schema) {
			p.t.Errorf("%s takes the member %q: add it to the body in docs/openapi.yaml", p.operation.OperationID, path+name)
		}
	}
	for name, property := range schema.Properties {
		inner := property.Value
		if !slices.Contains(known, name) && inner.Extensions["x-ignored"] == nil {
			p.t.Errorf("docs/openapi.yaml has the member %q of the body of %s, which does not take it", path+name, p.operation.OperationID)
		}
		if len(inner.Properties) > 0 {
			p.probe(path+name+".", inner, func(members map[string]any) map[string]any {
				return body(map[string]any{name: merged(exampleOf(inner), members)})
			})
		} else if inner.Items != nil && len(inner.Items.Value.Properties) > 0 {
			p.probe(path+name+"[0].", inner.Items.Value, func(members map[string]any) map[string]any {
				return body(map[string]any{name: []any{merged(exampleOf(inner.Items.Value), members)}})
			})
		}
	}
}

func exampleOf(s *openapi3.Schema) map[string]any {
	if example, ok := s.Example.(map[string]any); ok {
		return example
	}
	return map[string]any{}
}

// open says whether an object may hold more than is described.
func open(s *openapi3.Schema) bool {
	return s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
}

// known returns the names that are taken as members of an object. In the first
// family they are tried one by one, since an unknown one is refused. In the second
// all that are not described are tried at once, since unknown ones are left alone.
func (p prober) known(path string, schema *openapi3.Schema, body wrap) []string {
	p.t.Helper()
	var known, others []string
	for _, name := range p.names {
		if p.route.Family.Name == "second" && schema.Properties[name] == nil {
			others = append(others, name)
		} else if p.complains(path, []string{name}, body) != "" {
			known = append(known, name)
		}
	}
	for {
		name := p.complains(path, others, body)
		i := slices.Index(others, name)
		if i < 0 {
			return known
		}
		known, others = append(known, name), slices.Delete(others, i, i+1)
	}
}

// complains returns the one of the names that is known, since a value of a wrong
// kind is refused; none if unknown names are refused, or none of them is known.
// No kind is wrong for every member.
func (p prober) complains(path string, names []string, body wrap) string {
	p.t.Helper()
	for _, value := range []any{map[string]any{"x": 1}, -7.5, true, []any{map[string]any{}, 1}} {
		members := map[string]any{}
		for _, name := range names {
			members[name] = value
		}
		text, err := json.Marshal(body(members))
		if err != nil {
			p.t.Fatal(err)
		}
		about, reason, _ := strings.Cut(p.site.complaint(p.route, "", string(text)), ": ")
		for _, name := range names {
			rest, ok := strings.CutPrefix(about, path+name)
			if ok && rest == "" && reason == "unknown field" {
				return ""
			}
			if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				return name
			}
		}
	}
	if p.route.Family.Name == "first" && len(names) == 1 {
		return names[0] // it was not refused
	}
	return ""
}

func TestTheDocumentHasEveryWordThatIsServed(t *testing.T) {
	t.Parallel()
	d := theDocument(t)
	var types, second []string
	for _, typ := range event.DefaultCatalog().Types() {
		types, second = append(types, string(typ.Name)), append(second, typ.V2Name)
	}
	for schema, want := range map[string][]string{
		"EventType": types, "EventTypeV2": second, "TargetType": formats{}.TargetTypes(),
		"AuditAction": constants(t, "audit.go", "AuditAction"), "Result": constants(t, "attempt.go", "Result"),
	} {
		if got := enum(d.Components.Schemas[schema].Value); !slices.Equal(got, sorted(want)) {
			t.Errorf("docs/openapi.yaml has the %s %v, want %v", schema, got, sorted(want))
		}
	}
	statuses := enum(d.Components.Schemas["Status"].Value)
	for _, s := range hook.Statuses() {
		if !slices.Contains(statuses, string(s)) {
			t.Errorf("docs/openapi.yaml does not have the status %s", s)
		}
	}
	if len(statuses) != 2*len(hook.Statuses()) {
		t.Errorf("docs/openapi.yaml has %d statuses, want both names of %d", len(statuses), len(hook.Statuses()))
	}
}

func enum(s *openapi3.Schema) []string {
	words := make([]string, len(s.Enum))
	for i, w := range s.Enum {
		words[i] = fmt.Sprint(w)
	}
	return sorted(words)
}

func sorted(words []string) []string { return slices.Compact(slices.Sorted(slices.Values(words))) }
