package api

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/astaxie/beego/logs"
)

// TakeLog leads what beego logs, for the whole process, to l instead of standard
// output. It is for programs in which nobody else uses beego.
func TakeLog(l *slog.Logger) error {
	to, err := beegoLog()
	if err != nil {
		return fmt.Errorf("take beego's log: %w", err)
	}
	to.Store(l)
	return nil
}

// beegoLog is beego's one output from the first call on: beego keeps its outputs in
// tables of the process.
var beegoLog = sync.OnceValues(func() (*atomic.Pointer[slog.Logger], error) {
	to := &atomic.Pointer[slog.Logger]{}
	logs.Register("harborhook", func() logs.Logger { return forwarded{to} })
	logs.Reset()
	return to, logs.SetLogger("harborhook")
})

// forwarded is an output of beego's that is ours.
type forwarded struct{ to *atomic.Pointer[slog.Logger] }

// Init implements logs.Logger.
func (forwarded) Init(string) error { return nil }

// WriteMsg implements logs.Logger.
func (f forwarded) WriteMsg(_ time.Time, msg string, level int) error {
	if l := f.to.Load(); l != nil {
		switch {
		case level <= logs.LevelError:
			l.Error("beego: " + strings.TrimSpace(msg))
		case level <= logs.LevelWarning:
			l.Warn("beego: " + strings.TrimSpace(msg))
		default:
			l.Debug("beego: " + strings.TrimSpace(msg))
		}
	}
	return nil
}

// Destroy implements logs.Logger.
func (forwarded) Destroy() {}

// Flush implements logs.Logger.
func (forwarded) Flush() {}
