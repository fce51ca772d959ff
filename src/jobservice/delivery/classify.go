package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/harborhook/harborhook/src/hook"
)

// fault is why an attempt brought no answer. Its text comes from a fixed set, so
// that neither the address nor anything a receiver sent can get into it.
type fault struct {
	result hook.Result
	text   string
}

// classify says what an error of the transport means for an attempt that came
// as far as at, and that nobody cancelled; ended tells that the other side broke
// the connection off. What classify cannot tell, once there is a connection, is
// an answer that is not HTTP.
func classify(err error, at stage, ended bool) fault {
	var dial *dialError
	switch {
	case errors.As(err, &dial):
		return dialFault(dial)
	case timedOut(err):
		return timeoutFault(at)
	case at == stageHandshake:
		return handshakeFault(err)
	case at < stageHandshake:
		return fault{hook.ResultConnectFailed, "no connection to the target"}
	}
	return answerFault(err, ended)
}

func dialFault(dial *dialError) fault {
	switch dial.result {
	case hook.ResultBlocked:
		return fault{hook.ResultBlocked, ErrBlocked.Error()}
	case hook.ResultDNSError:
		return dnsFault(dial.err)
	case hook.ResultReset:
		return fault{hook.ResultReset, "the connection broke off at once"}
	default:
		return fault{hook.ResultConnectFailed, "no connection to the target"}
	}
}

func dnsFault(err error) fault {
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fault{hook.ResultDNSError, "the target's host name does not exist"}
	}
	return fault{hook.ResultDNSError, "the target's host name could not be looked up"}
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// timeoutFault does not tell a silent address from a closed one: until a
// connection stands, both are connect_failed.
func timeoutFault(at stage) fault {
	switch at {
	case stageConnected:
		return fault{hook.ResultTimeout, "no answer in time"}
	case stageHandshake:
		return fault{hook.ResultTimeout, "the TLS handshake did not end in time"}
	case stageResolving:
		return fault{hook.ResultDNSError, "the target's host name could not be looked up"}
	default:
		return fault{hook.ResultConnectFailed, "no connection to the target"}
	}
}

func handshakeFault(err error) fault {
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &cert):
		return fault{hook.ResultTLSError, certificateText(cert.Err)}
	case errors.As(err, &record):
		return fault{hook.ResultTLSError, "the target does not speak TLS"}
	}
	if f, ok := alertFault(err); ok {
		return f
	}
	if brokenOff(err) {
		return fault{hook.ResultReset, "the TLS handshake was broken off"}
	}
	return fault{hook.ResultTLSError, "no TLS version or algorithm in common"}
}

func certificateText(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "the certificate is not for the target's host"
	case errors.As(err, &authority):
		return "the certificate is signed by an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has expired or is not valid yet"
	default:
		return "the certificate is not valid"
	}
}

// alertFault reads the reason that a peer gave for ending TLS. With TLS 1.3 it
// may come after the handshake. An internal error of the peer says no more than
// a connection that breaks off.
func alertFault(err error) (fault, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return fault{}, false
	}
	const internalError = tls.AlertError(80)
	if op.Err.Error() == internalError.Error() {
		return fault{hook.ResultReset, "the target ended TLS with an internal error"}, true
	}
	return fault{hook.ResultTLSError, "the target refused TLS: " + strings.TrimPrefix(op.Err.Error(), "tls: ")}, true
}

// answerFault is about connections that stood.
func answerFault(err error, ended bool) fault {
	if f, ok := alertFault(err); ok {
		return f
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "response headers exceeded"), strings.Contains(text, "header list larger than advertised"):
		return fault{hook.ResultInvalidResponse, "headers too large (more than 64 KiB)"}
	case strings.Contains(text, "header list larger than peer's"):
		return fault{hook.ResultInvalidRequest, "the request's headers are larger than the target takes"}
	case brokenOff(err), brokenOffHTTP(text), ended && strings.Contains(text, "malformed"):
		return fault{hook.ResultReset, "the connection broke off before an answer came"}
	default:
		return fault{hook.ResultInvalidResponse, "the answer is not valid HTTP"}
	}
}

func brokenOff(err error) bool {
	for _, sign := range []error{
		context.Canceled, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, io.ErrClosedPipe,
		syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
	} {
		if errors.Is(err, sign) {
			return true
		}
	}
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}

// brokenOffHTTP knows the errors of net/http that have no type. Those of HTTP/2
// that blame what the peer sent are left out: its next answer would be the same.
func brokenOffHTTP(text string) bool {
	for _, blame := range []string{"PROTOCOL_ERROR", "FRAME_SIZE_ERROR", "COMPRESSION_ERROR", "FLOW_CONTROL_ERROR"} {
		if strings.Contains(text, blame) {
			return false
		}
	}
	for _, sign := range []string{
		"server closed idle connection", "stream error", "GOAWAY", "client connection lost",
		"client conn is closed", "client conn not usable", "client conn could not be established",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
