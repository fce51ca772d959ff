package hook

import "testing"

func TestTheIDOfATraceIsRead(t *testing.T) {
	t.Parallel()
	for traceparent, want := range map[string]string{
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": "0af7651916cd43dd8448eb211c80319c",
		"": "", "00-0af7": "", "00-0af7651916cd43dd8448eb211c80319cXb7ad6b7169203331-01": "",
	} {
		if got := TraceID(traceparent); got != want {
			t.Errorf("%q: %q, want %q", traceparent, got, want)
		}
	}
}
