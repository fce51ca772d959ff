package payload

import "github.com/harborhook/harborhook/src/hook"

// NameHarborV1 is the name of the format in which Harbor 1.9 and 1.10 told events.
const NameHarborV1 = "HarborV1"

func harborV1() Format {
	return Format{Name: NameHarborV1, ContentType: "application/json", TargetType: hook.TargetHTTP, Render: renderHarborV1}
}

func renderHarborV1(e hook.Event, _ hook.Target, o Options) ([]byte, error) {
	return newHarborMessage(string(e.Type), e, o, tagOnly)
}
