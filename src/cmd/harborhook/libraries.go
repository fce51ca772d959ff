package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"
)

// takeLibraries leads what libraries print by themselves into the log, at level
// debug: what goes through Go's standard logger, and what is written to standard
// output, which gocraft/work does whenever Redis does not answer. Programs that have
// something to say to people keep the file they were started with. give gives both
// back, once everything that was printed is logged.
func takeLibraries(l *slog.Logger) (give func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("read what libraries print: %w", err)
	}
	stdout, logged, flags := os.Stdout, log.Writer(), log.Flags()
	os.Stdout = write
	log.SetOutput(standardLog{l})
	log.SetFlags(0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		forward(read, l)
	}()
	return func() {
		os.Stdout = stdout
		log.SetOutput(logged)
		log.SetFlags(flags)
		write.Close() //nolint:errcheck // a pipe
		<-done
		read.Close() //nolint:errcheck // a pipe
	}, nil
}

// longestPrint is how much of a line is logged, in bytes.
const longestPrint = 4 << 10

// forward logs lines until there are no more.
func forward(from io.Reader, l *slog.Logger) {
	lines := bufio.NewReaderSize(from, longestPrint)
	for {
		line, _, err := lines.ReadLine()
		if err != nil {
			return
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			l.Debug("printed by a library", "text", string(text))
		}
	}
}

// standardLog is the output of Go's standard logger.
type standardLog struct{ to *slog.Logger }

// unasked begins the line in which net/http quotes what a receiver sends without
// having been asked. It may repeat a secret that was sent to it.
const unasked = "Unsolicited response received on idle HTTP channel"

// Write implements io.Writer.
func (s standardLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if strings.HasPrefix(text, unasked) {
		text = unasked
	}
	s.to.Debug("logged by a library", "text", text)
	return len(line), nil
}
