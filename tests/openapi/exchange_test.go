package openapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func load(t *testing.T) *Document {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatTheDocumentDoesNotTellOfIsFound(t *testing.T) {
	t.Parallel()
	const (
		members = "/api/projects/library/members"
		member  = `{"id":1,"project_id":1,"entity_name":"a","entity_id":2,"entity_type":"u","role_id":3,"role_name":"guest"}`
		problem = `{"code":404,"message":"project not found"}`
	)
	plain, located := []string{"Content-Type", "application/json"}, []string{"Location", members + "/1"}
	cases := []struct {
		name, method, path, sent string
		status                   int
		header                   []string
		body                     string
		want                     string // empty: it fits
	}{
		{"a list", "GET", members, "", 200, plain, "[" + member + "]", ""},
		{"a HEAD", "HEAD", members, "", 200, plain, "", ""},
		{"a refusal", "GET", members, "", 404, plain, problem, ""},
		{"a refusal that any request may get", "GET", members, "", 503, plain, problem, ""},
		{"a member too many", "GET", members, "", 200, plain, "[" + strings.Replace(member, "{", `{"x":1,`, 1) + "]", `/0 property "x" is unsupported`},
		{"a member too few", "GET", members, "", 200, plain, "[" + strings.Replace(member, `"id":1,`, "", 1) + "]", `property "id" is missing`},
		{"a member of the wrong kind", "GET", members, "", 200, plain, "[" + strings.Replace(member, `"a"`, "1", 1) + "]", "/0/entity_name value must be a string"},
		{"an unknown word", "GET", members, "", 200, plain, "[" + strings.Replace(member, `"u"`, `"x"`, 1) + "]", "/0/entity_type value is not one of"},
		{"no JSON", "GET", members, "", 200, plain, "oops", "invalid character"},
		{"another status", "GET", members, "", 409, plain, problem, "listMembers of /api/projects/{project}/members: add the status 409"},
		{"another media type", "GET", members, "", 200, []string{"Content-Type", "text/html"}, "", "add the media type text/html"},
		{"the other family's refusal", "GET", "/api/v2.0" + members[4:], "", 404, plain, problem, `property "code" is unsupported`},
		{"a total that is not described", "GET", members, "", 200, append([]string{"X-Total-Count", "1"}, plain...), "[]", "add the header X-Total-Count"},
		{"a page without a total", "GET", "/api/users", "", 200, plain, "[]", "the header X-Total-Count is missing"},
		{"a write", "POST", members, `{"role_id":3,"member_user":{"username":"a"}}`, 201, located, "", ""},
		{"a write without a place", "POST", members, `{"role_id":3,"member_user":{"username":"a"}}`, 201, nil, "", "the header Location is missing"},
		{"a body that is not described", "DELETE", members + "/1", "", 200, plain, "{}", "add a body to it"},
		{"a request that should not be taken", "POST", members, `{"role_id":9,"member_user":{"username":"a"}}`, 201, located, "", "a request of addMember that was taken: /role_id"},
		{"an unknown member that is taken", "POST", members, `{"role_id":3,"member_user":{"username":"a"},"x":1}`, 201, located, "", `property "x" is unsupported`},
		{"the same in the second family", "POST", "/api/v2.0" + members[4:], `{"role_id":3,"member_user":{"username":"a"},"x":1}`, 201, located, "", ""},
		{"a bad request that is refused", "POST", members, "oops", 400, plain, problem, ""},
		{"an operation that is not described", "POST", "/api/users/1/cli_secret", "", 200, nil, "", "add this operation"},
		{"one that is not there", "GET", "/api/nothing", "", 404, plain, problem, ""},
		{"the portal", "GET", "/index.html", "", 200, []string{"Content-Type", "text/html"}, "<html>", ""},
		{"the document itself", "GET", "/api/docs/openapi.yaml", "", 200, nil, "openapi: 3.0.3", ""},
	}
	d := load(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := Exchange{Request: httptest.NewRequest(c.method, c.path, nil), RequestBody: []byte(c.sent), Status: c.status, Header: http.Header{}, Body: []byte(c.body)}
			x.Request.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(c.header); i += 2 {
				x.Header.Set(c.header[i], c.header[i+1])
			}
			err := d.Check(x)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("found %v, want %q", err, c.want)
			}
		})
	}
}

func TestThePathThatNamesMoreIsMeant(t *testing.T) {
	t.Parallel()
	d := load(t)
	for path, want := range map[string]string{
		"/api/users/current": "/api/users/current", "/api/users/7": "/api/users/{uid}", "/api/users/": "", "/api/users/7/x": "",
		"/api/projects/1/webhook/policies/test": "/api/projects/{project}/webhook/policies/test",
	} {
		if _, got := d.Operation("GET", path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}
