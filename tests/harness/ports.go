package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are taken from below the range that the kernel gives to outgoing
// connections, so that nobody else takes a port between its choice and its use,
// or while its server is down.
const (
	firstPort = 15000
	lastPort  = 32000
)

// ports hands every port out once.
type ports struct {
	mu    sync.Mutex
	taken map[int]bool
}

var given = ports{taken: map[int]bool{}}

// FreeAddr returns a loopback address on which nobody listens, and which is not
// handed out again.
func FreeAddr(t T) string {
	t.Helper()
	given.mu.Lock()
	defer given.mu.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if given.taken[port] {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatalf("close a port: %v", err)
		}
		given.taken[port] = true
		return addr
	}
	t.Fatalf("there is no free port from %d to %d", firstPort, lastPort)
	return ""
}
