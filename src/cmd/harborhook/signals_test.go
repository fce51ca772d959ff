package main

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// Signals go to the whole process, so these tests are not parallel.

func TestTheFirstSignalEndsTheContextAndTheSecondTheProcess(t *testing.T) {
	for name, test := range map[string]struct {
		signal syscall.Signal
		code   int
	}{
		"interrupt": {syscall.SIGINT, 130},
		"terminate": {syscall.SIGTERM, 143},
	} {
		t.Run(name, func(t *testing.T) {
			codes := make(chan int, 1)
			ctx, stop := withSignals(context.Background(), func(code int) { codes <- code })
			defer stop()
			raise(t, test.signal)
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("the first signal does not end the context")
			}
			select {
			case code := <-codes:
				t.Fatalf("the first signal ends the process with %d", code)
			default:
			}
			raise(t, test.signal)
			select {
			case code := <-codes:
				if code != test.code {
					t.Errorf("code %d, want %d", code, test.code)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the second signal does not end the process")
			}
		})
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	ctx, stop := withSignals(context.Background(), func(int) { t.Error("exit is called") })
	stop()
	if ctx.Err() == nil {
		t.Error("the context goes on")
	}
}

func raise(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}
