package hook

import "time"

// Result classes how an attempt ended. The words are the API's.
type Result string

// The results. Retriable tells which of them are network errors.
const (
	ResultOK              Result = "ok"
	ResultHTTPError       Result = "http_error"
	ResultTimeout         Result = "timeout"
	ResultConnectFailed   Result = "connect_failed"
	ResultDNSError        Result = "dns_error"
	ResultTLSError        Result = "tls_error"
	ResultReset           Result = "reset"
	ResultBlocked         Result = "blocked"
	ResultInvalidRequest  Result = "invalid_request"
	ResultInvalidResponse Result = "invalid_response"
	// ResultInterrupted is an attempt cut off by the crash of its worker.
	ResultInterrupted Result = "interrupted"
)

// Results lists all results.
func Results() []Result {
	return []Result{
		ResultOK, ResultHTTPError, ResultTimeout, ResultConnectFailed, ResultDNSError, ResultTLSError, ResultReset,
		ResultBlocked, ResultInvalidRequest, ResultInvalidResponse, ResultInterrupted,
	}
}

// Retriable says whether the result is a network error, after which the mission
// asks for another attempt.
func (r Result) Retriable() bool {
	switch r {
	case ResultTimeout, ResultConnectFailed, ResultDNSError, ResultReset:
		return true
	default:
		return false
	}
}

// Attempt is one try to deliver a job, as it is stored and shown: secrets are
// masked, and bodies cut at MaxStoredBody.
type Attempt struct {
	Number    int
	StartedAt time.Time
	Duration  time.Duration
	Result    Result
	// Error says what went wrong, without address or secret; empty when Result is ok.
	Error      string
	RemoteAddr string
	Request    Request
	// Response is nil when none came.
	Response *Response
}

// Request is what was sent. Its body is the job's detail and is not kept again.
type Request struct {
	Method  string
	URL     string
	Headers map[string][]string
}

// Response is what a receiver answered.
type Response struct {
	Status  int
	Headers map[string][]string
	Body    string
	// Truncated says that the receiver sent more than Body holds, or broke off.
	Truncated bool
}

// MaxStoredBody is the largest part of a request or response body that is
// stored or shown, in bytes.
const MaxStoredBody = 64 << 10

// Mask stands for a secret wherever one would be shown.
const Mask = "********"
