package payload

import (
	"encoding/json"

	"github.com/harborhook/harborhook/src/hook"
)

// NameDefault is the name of the format that Harbor 2 calls so.
const NameDefault = "Default"

func harbor() Format {
	return Format{Name: NameDefault, ContentType: "application/json", TargetType: hook.TargetHTTP, Render: renderHarbor}
}

// harborMessage is the whole body, in Harbor 1 and 2.
type harborMessage struct {
	Type string `json:"type"`
	// OccurAt is in Unix seconds.
	OccurAt   int64           `json:"occur_at"`
	Operator  string          `json:"operator"`
	EventData json.RawMessage `json:"event_data"`
}

func renderHarbor(e hook.Event, _ hook.Target, o Options) ([]byte, error) {
	return newHarborMessage(o.EventName(e), e, o, tagOrDigest)
}

func newHarborMessage(typeName string, e hook.Event, o Options, tag tagRule) ([]byte, error) {
	data, err := harborData(e, o, tag)
	if err != nil {
		return nil, err
	}
	return encode(harborMessage{Type: typeName, OccurAt: e.OccurredAt.Unix(), Operator: e.Operator, EventData: data})
}
