package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Exchange is a request and its answer.
type Exchange struct {
	Request     *http.Request
	RequestBody []byte
	Status      int
	Header      http.Header
	Body        []byte
}

// Check says in which way the document does not tell of an exchange, or nil. It
// looks at the answer's status, headers, media type and body, and at what was
// sent if it was taken: what is refused may be anything. Paths that are not the
// API's are left alone.
func (d *Document) Check(x Exchange) error {
	err := d.check(x)
	if err == nil {
		return nil
	}
	return fmt.Errorf("docs/openapi.yaml does not fit %s %s, answered %d: %w", x.Request.Method, x.Request.URL.Path, x.Status, err)
}

func (d *Document) check(x Exchange) error {
	o, template := d.Operation(x.Request.Method, x.Request.URL.Path)
	switch {
	case o == nil && (x.Status == http.StatusNotFound || x.Status == http.StatusMethodNotAllowed || !ofAPI(x.Request.URL.Path)):
		return nil
	case o == nil && x.Status < http.StatusMultipleChoices:
		return errors.New("add this operation to it")
	case o == nil:
		return nil // refused before it was looked up
	}
	answer, err := responseOf(o, x.Status)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", o.OperationID, template, err)
	}
	if err := checkAnswer(answer, x); err != nil {
		return fmt.Errorf("the answer of %s: %w", o.OperationID, err)
	}
	if x.Status >= http.StatusMultipleChoices {
		return nil
	}
	if err := checkRequest(o, x); err != nil {
		return fmt.Errorf("a request of %s that was taken: %w", o.OperationID, err)
	}
	return nil
}

// ofAPI says whether a path should be in the document if anything answers there.
func ofAPI(path string) bool {
	switch path {
	case "/api/docs", "/service/token":
		return false // of the document itself, and of the registry
	}
	return strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/docs/") || strings.HasPrefix(path, "/service/")
}

// responseOf returns what the document says of a status. The default answers those
// statuses only that it lists in x-statuses.
func responseOf(o *openapi3.Operation, status int) (*openapi3.Response, error) {
	if r := o.Responses.Status(status); r != nil {
		return r.Value, nil
	}
	r := o.Responses.Default()
	if r == nil {
		return nil, fmt.Errorf("add the status %d", status)
	}
	listed, _ := r.Value.Extensions["x-statuses"].([]any)
	if !slices.ContainsFunc(listed, func(s any) bool { return fmt.Sprint(s) == strconv.Itoa(status) }) {
		return nil, fmt.Errorf("add the status %d", status)
	}
	return r.Value, nil
}

func checkAnswer(r *openapi3.Response, x Exchange) error {
	for name := range r.Headers {
		// What is told now and then is described as that; these are always there.
		if (name == "Location" || name == "X-Total-Count" || name == "ETag" || name == "Retry-After") && x.Header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	if x.Header.Get("X-Total-Count") != "" && r.Headers["X-Total-Count"] == nil {
		return errors.New("add the header X-Total-Count")
	}
	if x.Request.Method == http.MethodHead {
		return nil
	}
	return checkBody(r.Content, x.Header.Get("Content-Type"), x.Body, false)
}

func checkRequest(o *openapi3.Operation, x Exchange) error {
	if o.RequestBody == nil || len(x.RequestBody) == 0 {
		return nil
	}
	lenient := strings.HasPrefix(x.Request.URL.Path, "/api/v2.0/")
	return checkBody(o.RequestBody.Value.Content, x.Request.Header.Get("Content-Type"), x.RequestBody, lenient)
}

// checkBody holds a body against what the document says of its media type. If it
// is lenient, members that the document does not know may be there.
func checkBody(content openapi3.Content, contentType string, body []byte, lenient bool) error {
	if len(content) == 0 {
		if len(body) > 0 {
			return fmt.Errorf("add a body to it: %s", shown(body))
		}
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	described := content.Get(mediaType)
	if described == nil {
		return fmt.Errorf("add the media type %s", mediaType)
	}
	if !strings.HasSuffix(mediaType, "json") {
		return described.Schema.Value.VisitJSON(string(body))
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&value); err != nil {
		return fmt.Errorf("%w: %s", err, shown(body))
	}
	err = described.Schema.Value.VisitJSON(value, openapi3.MultiErrors(), openapi3.EnableFormatValidation())
	if found := reasons(err, lenient); len(found) > 0 {
		return fmt.Errorf("%s: %s", strings.Join(found, "; "), shown(body))
	}
	return nil
}

// reasons says where in a body what is wrong, without repeating the schema.
func reasons(err error, lenient bool) []string {
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &many):
		var all []string
		for _, e := range many {
			all = append(all, reasons(e, lenient)...)
		}
		return all
	case !errors.As(err, &one):
		return []string{err.Error()}
	case lenient && strings.HasSuffix(one.Reason, "is unsupported"):
		return nil
	default:
		return []string{"/" + strings.Join(one.JSONPointer(), "/") + " " + one.Reason}
	}
}

func shown(body []byte) string {
	const most = 500
	return string(body[:min(len(body), most)])
}
