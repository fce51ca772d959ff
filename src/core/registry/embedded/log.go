package embedded

import (
	"io"
	"log/slog"
	"net/http"

	"github.com/sirupsen/logrus"
)

// newLog returns a logger for docker/distribution, which logs through logrus. It
// takes the logger from the context, so that nothing of logrus is changed for the
// rest of the process. Warnings and errors reach l; the rest is dropped.
func newLog(l *slog.Logger) *logrus.Entry {
	return logrus.NewEntry(&logrus.Logger{
		Out:       io.Discard,
		Formatter: silent{},
		Hooks:     hooksFor(l),
		Level:     logrus.WarnLevel,
	})
}

func hooksFor(l *slog.Logger) logrus.LevelHooks {
	hooks := make(logrus.LevelHooks)
	hooks.Add(forward{l})
	return hooks
}

// silent formats nothing: the entry goes to slog whole.
type silent struct{}

// Format implements logrus.Formatter.
func (silent) Format(*logrus.Entry) ([]byte, error) { return nil, nil }

// forward hands entries to slog.
type forward struct{ to *slog.Logger }

// exchangeField is the field of a request's entries that holds its exchange.
const exchangeField = "exchange"

// Levels implements logrus.Hook.
func (forward) Levels() []logrus.Level { return logrus.AllLevels }

// Fire implements logrus.Hook.
func (f forward) Fire(e *logrus.Entry) error {
	var attrs []slog.Attr
	for _, field := range []struct{ theirs, ours string }{
		{"http.request.id", "request"},
		{"http.request.method", "method"},
		{"vars.name", "repository"},
		{"vars.reference", "reference"},
		{"vars.digest", "digest"},
		{"auth.user.name", "user"},
		{"http.response.status", "status"},
		{"err.code", "code"},
		{"err.detail", "detail"},
	} {
		if value, ok := e.Data[field.theirs]; ok {
			attrs = append(attrs, slog.Any(field.ours, value))
		}
	}
	f.to.LogAttrs(e.Context, levelOf(e), "registry: "+e.Message, attrs...)
	return nil
}

// levelOf says how much an entry matters to an operator. Clients cause most of what
// docker/distribution calls an error, by asking for what does not exist; and
// whoever refused an exchange has logged why.
func levelOf(e *logrus.Entry) slog.Level {
	x, ofRequest := e.Data[exchangeField].(*exchange)
	status, _ := e.Data["http.response.status"].(int)
	switch {
	case ofRequest && (x.refusal != nil || status < http.StatusInternalServerError):
		return slog.LevelDebug
	case e.Level <= logrus.ErrorLevel:
		return slog.LevelError
	default:
		return slog.LevelWarn
	}
}

// TakeLog leads what docker/distribution logs without a context, through logrus'
// logger of the whole process, to l instead of standard error. It is for programs in
// which nobody else uses logrus.
func TakeLog(l *slog.Logger) {
	logrus.SetOutput(io.Discard)
	logrus.SetFormatter(silent{})
	logrus.SetLevel(logrus.WarnLevel)
	logrus.StandardLogger().ReplaceHooks(hooksFor(l))
}
