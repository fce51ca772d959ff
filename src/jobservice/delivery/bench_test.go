package delivery

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/harborhook/harborhook/src/hook"
)

// BenchmarkGuardAndRedaction is what safety costs each delivery besides the
// network: the checks of its address, the masked request, and a common answer with
// its secrets looked for.
func BenchmarkGuardAndRedaction(b *testing.B) {
	g, err := NewGuard(GuardConfig{Allowed: privateNetworks, Denied: prefixes("10.9.0.0/16")})
	if err != nil {
		b.Fatal(err)
	}
	d := to("https://hooks.example.com/hook?token=abcdefghijklmnop")
	d.SendTo.AuthHeader, d.Secret = "Bearer abcdefghijklmnopqrstuvwxyz", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	addr := netip.MustParseAddrPort("93.184.216.34:443")
	sent := headers(&d, "harborhook/test", time.Unix(1, 0))
	answer := strings.Repeat(`{"status":"queued","id":12345}`, 8)
	for b.Loop() {
		if hook.ValidateTarget(d.SendTo.Address) != nil || g.CheckTarget(d.SendTo.Address) != nil || g.Check(addr) != nil {
			b.Fatal("blocked")
		}
		_ = shown(&d, sent)
		resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}, "Date": {"x"}}, Body: http.NoBody}
		s := secretsOf(&d, sent)
		_ = storable(resp.Header, s)
		if text, _ := clip(printable(s.mask(answer))); text != answer {
			b.Fatal("masked")
		}
	}
}
