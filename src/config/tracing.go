package config

// Tracing says where traces are sent.
type Tracing string

// The values of Tracing.
const (
	// TracingOff makes none.
	TracingOff Tracing = "off"
	// TracingOTLP sends them to an OpenTelemetry collector, by OTLP over HTTP.
	TracingOTLP Tracing = "otlp"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *Tracing) UnmarshalText(text []byte) error {
	switch got := Tracing(text); got {
	case TracingOff, TracingOTLP:
		*t = got
		return nil
	default:
		return wrong("%q is no way to trace", text).want("off or otlp")
	}
}

// MarshalText implements encoding.TextMarshaler.
func (t Tracing) MarshalText() ([]byte, error) { return []byte(t), nil }
