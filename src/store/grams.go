package store

import (
	"slices"
	"strings"
)

// gramLength is how many characters in a row are one gram.
const gramLength = 3

// gramSet collects the grams of texts: every three printable ASCII characters in
// a row, letters as lower case. Whatever holds a text holds all of its grams.
type gramSet struct {
	seen  []uint64 // a bit for each gram there can be
	grams []int
}

func newGramSet() *gramSet { return &gramSet{seen: make([]uint64, 1<<(7*gramLength)/64)} }

// add takes the grams of one more text.
func (s *gramSet) add(text string) {
	gram, run := 0, 0
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' {
			run = 0
			continue
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		gram = (gram<<7 | int(c)) & (1<<(7*gramLength) - 1)
		if run++; run < gramLength {
			continue
		}
		if bit := uint64(1) << (gram % 64); s.seen[gram/64]&bit == 0 {
			s.seen[gram/64] |= bit
			s.grams = append(s.grams, gram)
		}
	}
}

// take returns the grams in order, and makes the set empty.
func (s *gramSet) take() []int {
	taken := s.grams
	for _, g := range taken {
		s.seen[g/64] = 0
	}
	s.grams = nil
	slices.Sort(taken)
	return taken
}

// mostAsked bounds the grams that a block is asked for. More hardly tell more.
const mostAsked = 16

// gramsOf returns grams that every text which contains this one has: those that
// are spread over it evenly if there are many. There are none in a short text.
func gramsOf(text string) []int {
	set := newGramSet()
	set.add(text)
	all := set.grams
	if len(all) <= mostAsked {
		return all
	}
	some := make([]int, mostAsked)
	for i := range some {
		some[i] = all[i*(len(all)-1)/(mostAsked-1)]
	}
	return some
}

// lowerASCII is what the databases make of a text whose case is ignored.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
