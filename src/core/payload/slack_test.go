package payload_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/harborhook/harborhook/src/hook"
)

type slackBody struct {
	Text   string `json:"text"`
	Blocks []struct {
		Type string `json:"type"`
		Text struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"text"`
	} `json:"blocks"`
}

// readSlack reads a body and checks Slack's limits.
func readSlack(t *testing.T, body string) slackBody {
	t.Helper()
	var got slackBody
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if len(got.Blocks) == 0 || len(got.Blocks) > 50 {
		t.Errorf("%d blocks", len(got.Blocks))
	}
	for i, block := range got.Blocks {
		limit, text := 3000, "mrkdwn"
		if block.Type == "header" {
			limit, text = 150, "plain_text"
		}
		if n := len(utf16.Encode([]rune(block.Text.Text))); n == 0 || n > limit || block.Text.Type != text {
			t.Errorf("block %d: %s of %d characters, %s", i, block.Type, n, block.Text.Type)
		}
	}
	return got
}

func TestSlackShowsWhatHappened(t *testing.T) {
	t.Parallel()
	got := readSlack(t, bodyOf(t, "Slack", hook.Event{
		ID: "e1", Type: hook.DeleteImage, Project: "prj", Repository: "repo1", OccurredAt: time.Unix(1680501893, 0), Operator: "<!channel> & co",
		Resources: []hook.Resource{{Tag: "v1"}, {Tag: "v2"}},
	}))
	texts := []string{got.Text}
	for _, block := range got.Blocks[:5] {
		texts = append(texts, block.Text.Text)
	}
	want := []string{
		"Image deleted: prj/repo1:v1 and 1 more",
		"Image deleted: prj/repo1:v1 and 1 more",
		"*event_type:* DELETE_ARTIFACT",
		"*occur_at:* <!date^1680501893^{date} at {time}|April 3, 2023 at 6:04 AM UTC>",
		"*operator:* &lt;!channel&gt; &amp; co",
		"*event_data:*",
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	code := got.Blocks[5].Text.Text
	if !strings.HasPrefix(code, "```{\n  \"resources\": [") || !strings.HasSuffix(code, "}```") {
		t.Errorf("event_data is shown as %s", code)
	}
}

func TestSlackTextsAreCutWithinTheirLimits(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"a", "&", "<", "😀", "`", "\xff", "é&😀"} {
		long := strings.Repeat(piece, 4000)
		got := readSlack(t, bodyOf(t, "Slack", hook.Event{
			ID: "e1", Type: hook.PushImage, Project: "prj", Repository: long, Operator: long, Resources: []hook.Resource{{Tag: long}},
		}))
		code := got.Blocks[5].Text.Text
		if strings.Count(code, "```") != 2 || !strings.HasSuffix(code, "…```") {
			t.Errorf("%q: the block of code does not end where it should", piece)
		}
		for i, block := range got.Blocks {
			rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(block.Text.Text)
			if strings.Contains(rest, "&") || i != 2 && strings.ContainsAny(rest, "<>") {
				t.Errorf("%q: block %d is not escaped, or cut within an escape", piece, i)
			}
		}
	}
}
