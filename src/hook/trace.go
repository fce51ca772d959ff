package hook

// HeaderTraceparent is the header, in canonical form, in which an attempt tells its
// target of the trace that it is a part of (W3C Trace Context).
const HeaderTraceparent = "Traceparent"

// TraceID returns the id of the trace in a traceparent, or nothing.
func TraceID(traceparent string) string {
	const first, last = len("00-"), len("00-") + 32
	if len(traceparent) <= last || traceparent[last] != '-' {
		return ""
	}
	return traceparent[first:last]
}
