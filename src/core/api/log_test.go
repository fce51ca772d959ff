package api

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/astaxie/beego/logs"
)

func TestWhatBeegoLogsIsOurs(t *testing.T) {
	for range 2 { // the last one counts
		var out bytes.Buffer
		if err := TakeLog(slog.New(slog.NewTextHandler(&out, nil))); err != nil {
			t.Fatal(err)
		}
		logs.Error("something %s", "broke")
		logs.Info("something else")
		if got := out.String(); !strings.Contains(got, `level=ERROR msg="beego: `) || !strings.Contains(got, "something broke") || strings.Count(got, "\n") != 1 {
			t.Errorf("logged %q", got)
		}
	}
}
