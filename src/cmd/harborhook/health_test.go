package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/config"
)

func TestHealthAsksTheProcess(t *testing.T) {
	t.Parallel()
	var path string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path = r.URL.Path; path != "/readyz" {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	port := addr[strings.LastIndex(addr, ":"):]
	for name, c := range map[string]struct {
		environ, args []string
		code          int
		says          string
	}{
		"core":              {[]string{"HARBORHOOK_CORE_ADDR=" + addr}, nil, 0, "ready\n"},
		"core everywhere":   {[]string{"HARBORHOOK_CORE_ADDR=0.0.0.0" + port}, nil, 0, "ready\n"},
		"jobservice":        {[]string{"HARBORHOOK_JOBSERVICE_ADDR=" + addr}, []string{"-shape", "jobservice"}, 0, "ready\n"},
		"a flag":            {nil, []string{"-shape=standalone", "--core-addr", addr}, 0, "ready\n"},
		"a URL":             {nil, []string{"-url", server.URL + "/readyz"}, 0, "ready\n"},
		"not ready":         {nil, []string{"-url", server.URL + "/other"}, 1, "503 Service Unavailable: the database does not answer"},
		"nobody there":      {[]string{"HARBORHOOK_CORE_ADDR=127.0.0.1:1"}, nil, 1, "refused"},
		"no URL":            {nil, []string{"-url", "core:8080"}, 2, "not an HTTP URL"},
		"no shape":          {nil, []string{"-shape", "migrate"}, 2, "standalone, core or jobservice"},
		"a bad environment": {[]string{"HARBORHOOK_WORKERS=many"}, nil, 2, "HARBORHOOK_WORKERS"},
	} {
		s := newSession(c.environ...)
		if code := s.do(append([]string{"health"}, c.args...)...); code != c.code || !strings.Contains(s.out.String()+s.errs.String(), c.says) {
			t.Errorf("%s: code %d, want %d: %s%s", name, code, c.code, s.out.String(), s.errs.String())
		}
	}
}

func TestReadyURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":8080":            "http://localhost:8080/readyz",
		"[::]:8080":        "http://localhost:8080/readyz",
		"0.0.0.0:8080":     "http://localhost:8080/readyz",
		"192.0.2.1:8080":   "http://192.0.2.1:8080/readyz",
		"core.example:443": "http://core.example:443/readyz",
	} {
		if got := readyURL(config.Core, config.Config{CoreAddr: addr}); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
