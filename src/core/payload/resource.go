package payload

import "github.com/harborhook/harborhook/src/hook"

// resourceURL is the reference with which a client can pull the resource:
// registry/project/repository:tag, or …@digest if there is no tag.
func resourceURL(e hook.Event, r hook.Resource, o Options) string {
	name := o.ExternalRegistry + "/" + e.Project + "/" + e.Repository
	switch {
	case r.Tag != "":
		return name + ":" + r.Tag
	case r.Digest != "":
		return name + "@" + r.Digest
	default:
		return name
	}
}
