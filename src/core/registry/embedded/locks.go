package embedded

import (
	"hash/maphash"
	"sync"
)

// locks is a fixed number of locks shared by all repositories; which one a
// repository uses depends on its name.
type locks struct {
	seed    maphash.Seed
	mutexes []sync.Mutex
}

func newLocks() locks {
	return locks{seed: maphash.MakeSeed(), mutexes: make([]sync.Mutex, 64)}
}

func (l locks) lock(repository string) (unlock func()) {
	m := &l.mutexes[maphash.String(l.seed, repository)%uint64(len(l.mutexes))]
	m.Lock()
	return m.Unlock
}
