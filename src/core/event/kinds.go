package event

import "github.com/harborhook/harborhook/src/hook"

// The headings of the lists of event types.
const (
	groupImages = "Images"
	groupCharts = "Charts"
)

// images are the kinds that count as an image: a manifest of which nothing is
// known is one.
func images() []hook.Kind { return []hook.Kind{hook.KindImage, hook.KindUnknown} }

func charts() []hook.Kind { return []hook.Kind{hook.KindChart} }
