package payload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/harborhook/harborhook/src/hook"
)

// NameSlack is the name of the format that Slack's incoming webhooks show.
const NameSlack = "Slack"

func slack() Format {
	return Format{Name: NameSlack, ContentType: "application/json", TargetType: hook.TargetSlack, Render: renderSlack}
}

// Slack's limits of a text, in characters. A message may have 50 blocks; ours have 6.
const (
	maxSlackHeader = 150
	maxSlackText   = 3000
)

type slackMessage struct {
	// Text is what notifications show.
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
	// Emoji is false in plain text, so that a name with colons stays as it is.
	Emoji *bool `json:"emoji,omitempty"`
}

// renderSlack writes Harbor's blocks, with a header that says what happened.
func renderSlack(e hook.Event, _ hook.Target, o Options) ([]byte, error) {
	data, err := harborData(e, o, tagOrDigest)
	if err != nil {
		return nil, err
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, data, "", "  "); err != nil {
		return nil, err
	}
	typ := o.typeOf(e)
	title := slackEscaped(typ.Title+": "+subject(e), maxSlackHeader)
	const begin, end = "```", "```"
	// A name must not end the block of code early: \u0060 is the same in JSON.
	code := strings.ReplaceAll(indented.String(), "`", `\u0060`)
	return encode(slackMessage{Text: title, Blocks: []slackBlock{
		{Type: "header", Text: slackText{Type: "plain_text", Text: title, Emoji: new(bool)}},
		section("*event_type:* ", typ.V2Name, ""),
		section(fmt.Sprintf("*occur_at:* <!date^%d^{date} at {time}|", e.OccurredAt.Unix()), e.OccurredAt.UTC().Format("January 2, 2006 at 3:04 PM UTC"), ">"),
		section("*operator:* ", e.Operator, ""),
		section("*event_data:*", "", ""),
		section(begin, code, end),
	}})
}

// section is a block of text between two pieces of markup.
func section(before, text, after string) slackBlock {
	return slackBlock{Type: "section", Text: slackText{
		Type: "mrkdwn", Text: before + slackEscaped(text, maxSlackText-len(before)-len(after)) + after,
	}}
}

// subject is what an event is about, in a few words.
func subject(e hook.Event) string {
	name := e.Project
	if e.Repository != "" {
		name += "/" + e.Repository
	}
	if len(e.Resources) == 0 {
		return name
	}
	switch first := e.Resources[0]; {
	case first.Tag != "":
		name += ":" + first.Tag
	case first.Digest != "":
		name += "@" + first.Digest
	}
	if more := len(e.Resources) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	return name
}

// slackEscaped escapes what steers Slack and cuts the text so that it has at most
// the given number of characters afterwards. Slack counts in UTF-16.
func slackEscaped(text string, most int) string {
	const ellipsis = "…"
	var b strings.Builder
	used, cut := 0, 0 // cut is where the ellipsis fits
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		piece, width := slackPiece(r)
		if used+width > most {
			return b.String()[:cut] + ellipsis
		}
		b.WriteString(piece)
		if used += width; used < most {
			cut = b.Len()
		}
	}
	return b.String()
}

// slackPiece returns how a character is written, and its length in UTF-16.
func slackPiece(r rune) (piece string, width int) {
	switch {
	case r == '&':
		return "&amp;", len("&amp;")
	case r == '<':
		return "&lt;", len("&lt;")
	case r == '>':
		return "&gt;", len("&gt;")
	case r != '\n' && r != '\t' && unicode.IsControl(r):
		return "\uFFFD", 1
	case r > 0xffff:
		return string(r), 2
	default:
		return string(r), 1
	}
}
