package delivery

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"github.com/harborhook/harborhook/src/hook"
)

// The headers of a delivery that net/http has no names for, in canonical form.
const (
	headerEventType    = "X-Harbor-Event-Type"
	headerDelivery     = "X-Harbor-Delivery"
	headerID           = "Webhook-Id"
	headerTimestamp    = "Webhook-Timestamp"
	headerSignature    = "Webhook-Signature"
	headerHubSignature = "X-Hub-Signature-256"
)

// headers returns what an attempt at the given time sends.
func headers(d *hook.Delivery, userAgent string, at time.Time) http.Header {
	id, seconds := d.MessageID(), strconv.FormatInt(at.Unix(), 10)
	h := http.Header{
		"Content-Type":  {d.ContentType},
		"User-Agent":    {userAgent},
		headerEventType: {cmp.Or(d.EventName, string(d.HookType))},
		headerDelivery:  {d.UUID},
		headerID:        {id},
		headerTimestamp: {seconds},
	}
	if d.Traceparent != "" {
		h[hook.HeaderTraceparent] = []string{d.Traceparent}
	}
	if d.SendTo.AuthHeader != "" {
		h["Authorization"] = []string{d.SendTo.AuthHeader}
	}
	if live := d.Secrets(at); len(live) > 0 {
		h[headerSignature] = []string{signAll(live, id, seconds, d.Detail)}
		h[headerHubSignature] = []string{signHub(live[0], d.Detail)} // it can hold one only
	}
	return h
}

// newRequest checks again what was checked when the policy was saved, since the
// rules may have changed. Its errors repeat nothing of the address or a header.
func newRequest(ctx context.Context, d *hook.Delivery, h http.Header) (*http.Request, error) {
	if err := hook.ValidateTarget(d.SendTo.Address); err != nil {
		return nil, err
	}
	if err := hook.ValidateAuthHeader(d.SendTo.AuthHeader); err != nil {
		return nil, err
	}
	for name, values := range h {
		if !httpguts.ValidHeaderFieldValue(values[0]) {
			return nil, fmt.Errorf("header %s cannot be sent", name)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.SendTo.Address, bytes.NewReader(d.Detail))
	if err != nil {
		return nil, hook.Invalid("target", "is not a URL")
	}
	if req.URL.Host, err = asciiHost(req.URL); err != nil {
		return nil, hook.Invalid("target", "must name a valid host")
	}
	req.Host, req.Header = req.URL.Host, h
	return req, nil
}

// asciiHost returns host and port of a URL, the host as it is looked up. net/http
// would look up one spelling of a name with other letters and ask for another.
func asciiHost(u *url.URL) (string, error) {
	if !strings.ContainsFunc(u.Host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return u.Host, nil
	}
	host, err := idna.Lookup.ToASCII(u.Hostname())
	if port := u.Port(); err == nil && port != "" {
		host += ":" + port
	}
	return host, err
}

// shown returns the request as it may be stored.
func shown(d *hook.Delivery, h http.Header) hook.Request {
	masked := make(map[string][]string, len(h))
	for name, values := range h {
		masked[name] = values
	}
	for _, name := range []string{"Authorization", headerSignature, headerHubSignature} {
		if _, sent := h[name]; sent {
			masked[name] = []string{hook.Mask}
		}
	}
	return hook.Request{Method: http.MethodPost, URL: hook.MaskTarget(d.SendTo.Address), Headers: masked}
}
