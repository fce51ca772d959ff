package component_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/harborhook/harborhook/src/core/component"
)

// TestTheDocumentedExamplesAreTaken reads the bodies that people are told to send.
func TestTheDocumentedExamplesAreTaken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile(`(?s)/service/notifications/events -d '(.*?)'`).FindAllSubmatch(text, -1)
	if len(examples) != 2 {
		t.Errorf("%d examples, want those of a scanner and of a replication", len(examples))
	}
	for _, example := range examples {
		if _, err := component.Decode(example[1], catalog(), noon); err != nil {
			t.Errorf("%v in %s", err, example[1])
		}
	}
}
