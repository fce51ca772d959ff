package payload

import (
	"bytes"
	"encoding/json"
)

// encode writes v as JSON on one line. Unlike json.Marshal it leaves <, > and &
// alone: the body is no HTML, and receivers compare names as they are.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
