package main

import (
	"bytes"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"testing"
)

// It changes what the process prints to, so it runs alone.
func TestWhatLibrariesPrintIsLogged(t *testing.T) {
	var out bytes.Buffer
	stdout, writer := os.Stdout, log.Writer()
	give, err := takeLibraries(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(os.Stdout, "ERROR: %s - %s\n", "fetch", "redis is away")
	fmt.Fprint(os.Stdout, strings.Repeat("x", 3*longestPrint))
	log.Print(unasked + `; starting with "s3cret"; err=<nil>`)
	log.Print("http: something")
	give()
	if os.Stdout != stdout || log.Writer() != writer {
		t.Error("they print elsewhere than before")
	}
	for _, want := range []string{`level=DEBUG msg="printed by a library" text="ERROR: fetch - redis is away"`, `text="http: something"`, unasked} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not logged:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "s3cret") {
		t.Errorf("what a receiver sends is logged:\n%s", out.String())
	}
}
