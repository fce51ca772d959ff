package registry

// Reason says why no use was made of an event. There are few, so that they can
// label a metric.
type Reason string

// The reasons.
const (
	ReasonNotEnvelope       Reason = "not_an_envelope"
	ReasonMalformed         Reason = "malformed"
	ReasonUnknownAction     Reason = "unknown_action"
	ReasonNotManifest       Reason = "not_a_manifest"
	ReasonBadRepository     Reason = "bad_repository"
	ReasonRepositoryTooLong Reason = "repository_too_long"
	ReasonNoProject         Reason = "no_project"
	ReasonTagTooLong        Reason = "tag_too_long"
	ReasonBadDigest         Reason = "bad_digest"
	ReasonNothingDeleted    Reason = "nothing_deleted"
	ReasonRepeated          Reason = "repeated_in_envelope"
	ReasonUnknownProject    Reason = "unknown_project"
	ReasonOwnPull           Reason = "own_pull"
	ReasonHeadWithoutTag    Reason = "head_without_tag"
	ReasonPullByDigest      Reason = "pull_by_digest"
	ReasonUnknownDigest     Reason = "delete_of_unknown_digest"
	ReasonAlreadyDeleted    Reason = "already_deleted"
	ReasonRecovered         Reason = "recovered_before"
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonNotEnvelope, ReasonMalformed, ReasonUnknownAction, ReasonNotManifest, ReasonBadRepository, ReasonRepositoryTooLong,
		ReasonNoProject, ReasonTagTooLong, ReasonBadDigest, ReasonNothingDeleted, ReasonRepeated, ReasonUnknownProject, ReasonOwnPull,
		ReasonHeadWithoutTag, ReasonPullByDigest, ReasonUnknownDigest, ReasonAlreadyDeleted, ReasonRecovered,
	}
}

// Skipped counts the events of which no use was made, by reason.
type Skipped map[Reason]int

// Add counts what other has counted as well.
func (s Skipped) Add(other Skipped) {
	for reason, n := range other {
		s[reason] += n
	}
}

// Total is the number of skipped events.
func (s Skipped) Total() int {
	total := 0
	for _, n := range s {
		total += n
	}
	return total
}
