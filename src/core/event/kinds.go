package event

import (
	"bytes"
	"encoding/json"

	"github.com/harborhook/harborhook/src/hook"
)

// The headings of the lists of event types.
const (
	groupImages      = "Images"
	groupCharts      = "Charts"
	groupArtifacts   = "Other artifacts"
	groupScans       = "Scans"
	groupReplication = "Replication"
	groupQuota       = "Quota"
	groupRetention   = "Retention"
)

// images are the kinds that count as an image: a manifest of which nothing is
// known is one.
func images() []hook.Kind { return []hook.Kind{hook.KindImage, hook.KindUnknown} }

func charts() []hook.Kind { return []hook.Kind{hook.KindChart} }

func artifacts() []hook.Kind { return []hook.Kind{hook.KindArtifact} }

// compact returns a sample's data as it would be stored. The text is part of the
// program; the catalog's test finds one that is not JSON.
func compact(data string) json.RawMessage {
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(data)); err != nil {
		panic("data of a sample: " + err.Error())
	}
	return out.Bytes()
}
