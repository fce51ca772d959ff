package embedded

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
)

func TestWhatIsLoggedWithoutAContextIsOurs(t *testing.T) {
	var out bytes.Buffer
	TakeLog(slog.New(slog.NewTextHandler(&out, nil)))
	logrus.Info("all is well")
	logrus.Warn("something is odd")
	logrus.WithField("vars.name", "library/app").Error("something broke")
	want := []string{`level=WARN msg="registry: something is odd"`, `level=ERROR msg="registry: something broke" repository=library/app`}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("logged %q", lines)
	}
	for i := range want {
		if !strings.Contains(lines[i], want[i]) {
			t.Errorf("logged %q, want %q", lines[i], want[i])
		}
	}
}
