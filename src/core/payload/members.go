package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// members returns the members of an event's Data, which is a JSON object or
// empty. Invalid UTF-8 is replaced.
func members(data json.RawMessage) (map[string]json.RawMessage, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var found map[string]json.RawMessage
	if err := json.Unmarshal(bytes.ToValidUTF8(data, []byte("\uFFFD")), &found); err != nil {
		return nil, fmt.Errorf("the event's data is no JSON object: %w", err)
	}
	return found, nil
}

// merge encodes v, which becomes a JSON object, and adds the members in the order
// of their names. A member that the object has already is left out.
func merge(v any, more map[string]json.RawMessage) (json.RawMessage, error) {
	object, err := encode(v)
	if err != nil || len(more) == 0 {
		return object, err
	}
	var taken map[string]json.RawMessage
	if err := json.Unmarshal(object, &taken); err != nil {
		return nil, err
	}
	merged := bytes.NewBuffer(bytes.TrimSuffix(object, []byte("}")))
	for _, name := range slices.Sorted(maps.Keys(more)) {
		if _, ok := taken[name]; ok {
			continue
		}
		key, err := encode(name)
		if err != nil {
			return nil, err
		}
		if merged.Len() > 1 {
			merged.WriteByte(',')
		}
		merged.Write(key)
		merged.WriteByte(':')
		merged.Write(more[name])
	}
	merged.WriteByte('}')
	return merged.Bytes(), nil
}
