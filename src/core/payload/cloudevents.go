package payload

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	cloudevent "github.com/cloudevents/sdk-go/v2/event"

	"github.com/harborhook/harborhook/src/hook"
)

// NameCloudEvents is the name of the format of https://cloudevents.io, version
// 1.0, in structured mode, with the attributes that Harbor 2 gives.
const NameCloudEvents = "CloudEvents"

func cloudEvents() Format {
	return Format{
		Name: NameCloudEvents, ContentType: cloudevent.ApplicationCloudEventsJSON,
		TargetType: hook.TargetHTTP, Render: renderCloudEvents,
	}
}

// renderCloudEvents tells Harbor's event_data. The source is the policy, so that
// source and id together are unique although several policies tell of one event.
func renderCloudEvents(e hook.Event, _ hook.Target, o Options) ([]byte, error) {
	data, err := harborData(e, o, tagOrDigest)
	if err != nil {
		return nil, err
	}
	told := cloudevent.New()
	told.SetID(attribute(e.ID))
	told.SetType(attribute(o.typeOf(e).CloudEvents))
	told.SetSource(sourceURI(e.ProjectID, o.PolicyID))
	told.SetTime(e.OccurredAt)
	if e.Operator != "" {
		told.SetExtension("operator", attribute(e.Operator))
	}
	if e.RequestID != "" {
		told.SetExtension("requestid", attribute(e.RequestID))
	}
	if err := told.SetData(cloudevent.ApplicationJSON, data); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if err := told.Validate(); err != nil {
		return nil, fmt.Errorf("not a valid CloudEvent: %w", err)
	}
	return told.MarshalJSON()
}

func sourceURI(projectID, policyID int64) string {
	source := "/projects/" + strconv.FormatInt(projectID, 10) + "/webhook/policies"
	if policyID != 0 {
		source += "/" + strconv.FormatInt(policyID, 10)
	}
	return source
}

// attribute replaces what the specification does not allow in an attribute:
// control characters, noncharacters and invalid UTF-8.
func attribute(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
