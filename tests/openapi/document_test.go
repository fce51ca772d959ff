package openapi

import "testing"

func TestTheDocumentIsValid(t *testing.T) {
	t.Parallel()
	if _, err := Load(); err != nil {
		t.Fatal(err)
	}
}
