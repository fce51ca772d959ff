package main

import (
	"fmt"
	"os"

	"golang.org/x/term"
)

// asker returns what asks for a password, without showing it, or nil if nobody sits
// at a terminal.
func asker(in, out *os.File) func(question string) (string, error) {
	if !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return func(question string) (string, error) {
		fmt.Fprint(out, question)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(out)
		return string(text), err
	}
}

// coloured says whether a file is a terminal whose user has nothing against colours
// (https://no-color.org).
func coloured(out *os.File) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(out.Fd()))
}
