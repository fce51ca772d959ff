package api

import (
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// Limits of a request body, in bytes.
const (
	MaxBody             = 1 << 20
	MaxNotificationBody = 16 << 20
	MaxForm             = 16 << 10
)

// notificationPath is where the registry posts its envelopes.
const notificationPath = "/service/notifications"

// componentPath is where other parts of Harbor post their events.
const componentPath = notificationPath + "/events"

// Refuse answers a request that is not let through.
type Refuse func(w http.ResponseWriter, r *http.Request, status int, message string)

// Guard stands in front of beego and lets through only what beego, which
// inflates bodies, spills forms to disk, cuts what has no length and takes
// methods from parameters, cannot get wrong. It bounds the body; a handler that
// reads past the bound gets *http.MaxBytesError. Cross-site writes of a browser
// are refused.
func Guard(next http.Handler, refuse Refuse) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, message := judge(r); status != 0 {
			if status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", "GET, HEAD, POST, PUT, DELETE")
			}
			refuse(w, r, status, message)
			return
		}
		if crossOrigin.Check(r) != nil {
			refuse(w, r, http.StatusForbidden, "cross-origin request")
			return
		}
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r.URL.Path))
		}
		next.ServeHTTP(w, r)
	})
}

// judge returns the status and reason to refuse a request with, or 0.
func judge(r *http.Request) (int, string) {
	switch {
	case !knownMethod(r.Method):
		return http.StatusMethodNotAllowed, "method not allowed"
	case !cleanPath(r):
		return http.StatusBadRequest, "the path is not clean"
	case innerSuffix(r.URL.Path):
		return http.StatusNotFound, "not found"
	case len(r.Header.Values("Content-Encoding")) > 0:
		return http.StatusUnsupportedMediaType, "encoded bodies are not taken"
	case !knownMediaType(r):
		return http.StatusUnsupportedMediaType, "the media type of the body is not taken here"
	case r.ContentLength > bodyLimit(r.URL.Path):
		return http.StatusRequestEntityTooLarge, "the body is too large"
	case r.URL.RawQuery != "" && hasMethodOverride(r):
		return http.StatusBadRequest, "_method is not supported"
	default:
		return 0, ""
	}
}

func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
		return true
	default:
		return false
	}
}

// cleanPath says whether every router reads the path alike.
func cleanPath(r *http.Request) bool {
	p, escaped := r.URL.Path, strings.ToLower(r.URL.EscapedPath())
	return strings.HasPrefix(p, "/") && path.Clean(p) == p && !strings.Contains(p, "..") &&
		!strings.ContainsAny(p, "\x00\\") && utf8.ValidString(p) &&
		!strings.Contains(escaped, "%2f") && !strings.Contains(escaped, "%5c")
}

// innerSuffix finds a segment with a suffix that beego drops when it matches,
// anywhere but at the end: /api.json/x would reach /api/x past a proxy's rules.
func innerSuffix(p string) bool {
	segments := strings.Split(p, "/")
	for _, s := range segments[:len(segments)-1] {
		if strings.HasSuffix(s, ".json") || strings.HasSuffix(s, ".xml") || strings.HasSuffix(s, ".html") {
			return true
		}
	}
	return false
}

// knownMediaType says whether the body, if there is one, is of a type taken at
// this path. A second Content-Type header would be read by others than us.
func knownMediaType(r *http.Request) bool {
	given := r.Header.Values("Content-Type")
	bodyless := r.ContentLength == 0
	if bodyless && (len(given) == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return true
	}
	if len(given) != 1 {
		return false
	}
	mediaType, _, err := mime.ParseMediaType(given[0])
	if err != nil {
		return false
	}
	switch mediaType {
	case "application/json":
		return !takesForms(r.URL.Path)
	case "application/vnd.docker.distribution.events.v1+json", "application/vnd.docker.distribution.events.v2+json":
		return r.URL.Path == notificationPath
	case "application/x-www-form-urlencoded":
		return takesForms(r.URL.Path) || ofPortal(r.URL.Path)
	default:
		return false
	}
}

// ofPortal says whether the path may be a page's.
func ofPortal(p string) bool { return !under(p, "/api") && !under(p, "/service") && !under(p, "/c") }

// hasMethodOverride finds the parameter even in a query that is malformed elsewhere.
func hasMethodOverride(r *http.Request) bool {
	return r.URL.Query().Has("_method")
}

// bodyLimit is small for forms, which everybody may send.
func bodyLimit(p string) int64 {
	switch {
	case p == notificationPath:
		return MaxNotificationBody
	case takesForms(p):
		return MaxForm
	default:
		return MaxBody
	}
}

// under says whether the path is the folder or lies in it.
func under(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}
