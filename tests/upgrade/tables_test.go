package upgrade

import (
	"net/http"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// These look at what the files of testdata put into tables of their own.

func checkAudit(t *testing.T, s *harness.System) {
	t.Helper()
	wants(t, s.Admin, "/api/projects/payments/webhook/audit", `"actor":"alice"`, `"action":"rotate_secret"`, `"detail":"rotated"`)
}

func checkCircuit(t *testing.T, s *harness.System) {
	t.Helper()
	wants(t, s.Admin, "/api/circuits", `"origin":"http://192.0.2.9:9000"`, `"state":"open"`, `"failures":12`)
}

func checkIdentity(t *testing.T, s *harness.System) {
	t.Helper()
	session := s.As("", "").Do(t, http.MethodGet, "/api/users/current", nil, "Cookie", "sid=session-of-alice-0123456789abcdef0123456789")
	if session.Status != http.StatusOK || !strings.Contains(session.Body, `"username":"alice"`) {
		t.Errorf("a session of before: %d %s", session.Status, session.Body)
	}
	wants(t, s.As("robot$payments+ci", "Secret-of-the-robot-0123456789ab"), harness.Policies("payments"), `"name":"two targets"`)
}

func checkBulk(t *testing.T, s *harness.System) {
	t.Helper()
	wants(t, s.Admin, "/api/projects/library/webhook/bulk/1", `"status":"finished"`, `"total":3`, `"started_by":"admin"`)
}

func checkSwitches(t *testing.T, s *harness.System) {
	t.Helper()
	wants(t, s.Admin, "/api/configurations", `"drop"`)
}

// wants gets an address and looks for words in what is answered.
func wants(t *testing.T, c *harness.Client, address string, words ...string) {
	t.Helper()
	reply := c.Do(t, http.MethodGet, address, nil)
	for _, word := range words {
		if reply.Status != http.StatusOK || !strings.Contains(reply.Body, word) {
			t.Errorf("%s: %d, without %s: %s", address, reply.Status, word, reply.Body)
		}
	}
}
