package embedded

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/docker/distribution/registry/api/errcode"
)

type exchangeKey struct{}

// exchange is one request and its answer. docker/distribution turns most errors of
// its plug-ins into 400 or 500; where another status is due, a plug-in refuses
// the exchange, and the refusal replaces what the handler answers.
type exchange struct {
	http.ResponseWriter
	// realm is where the client can get a token; empty if that is unknown.
	realm   string
	refusal *refusal
	// pulled hands over the event of a pull; it is called before a 200 is sent.
	pulled   func()
	answered bool
}

// refusal is an answer in the registry API's error format.
type refusal struct {
	code       errcode.ErrorCode
	message    string
	retryAfter time.Duration
}

func (r refusal) Error() string { return r.message }

// exchangeOf returns the exchange that ctx belongs to.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// refuse decides the answer, unless it has been sent or decided.
func (x *exchange) refuse(r refusal) {
	if x.refusal == nil {
		x.refusal = &r
	}
}

// WriteHeader sends the handler's status, or the refusal.
func (x *exchange) WriteHeader(status int) {
	if x.answered {
		return
	}
	x.answered = true
	if x.refusal != nil {
		x.sendRefusal()
		return
	}
	if status == http.StatusOK && x.pulled != nil {
		x.pulled()
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write sends the handler's body, or drops it after a refusal.
func (x *exchange) Write(p []byte) (int, error) {
	if !x.answered {
		x.WriteHeader(http.StatusOK)
	}
	if x.refusal != nil {
		return len(p), nil //nolint:nilerr // the handler must not notice that its answer is dropped
	}
	return x.ResponseWriter.Write(p)
}

// finish answers a refused exchange that the handler left without an answer.
func (x *exchange) finish() {
	if x.refusal != nil {
		x.WriteHeader(http.StatusOK)
	}
}

func (x *exchange) sendRefusal() {
	x.Header().Del("Content-Length")
	if x.refusal.retryAfter > 0 {
		seconds := math.Ceil(x.refusal.retryAfter.Seconds())
		x.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	// An error here means that the client is gone.
	_ = errcode.ServeJSON(x.ResponseWriter, x.refusal.code.WithMessage(x.refusal.message))
}
