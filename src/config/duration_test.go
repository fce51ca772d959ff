package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDurationsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		d     time.Duration
		shown string
	}{
		"30d":     {30 * day, "30d"},
		"1d12h":   {36 * time.Hour, "1d12h"},
		"0":       {0, "0s"},
		"0d":      {0, "0s"},
		"250ms":   {250 * time.Millisecond, "250ms"},
		"120s":    {2 * time.Minute, "2m"},
		"90s":     {90 * time.Second, "1m30s"},
		"1.5h":    {90 * time.Minute, "1h30m"},
		"60m":     {time.Hour, "1h"},
		"10m":     {10 * time.Minute, "10m"},
		"100h":    {100 * time.Hour, "4d4h"},
		"20h0m5s": {20*time.Hour + 5*time.Second, "20h0m5s"},
		"106751d": {106751 * day, "106751d"},
	} {
		d, err := ParseDuration(text)
		if err != nil || d != want.d {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, d, err, want.d)
		}
		if got := formatDuration(want.d); got != want.shown {
			t.Errorf("formatDuration(%v) = %q, want %q", want.d, got, want.shown)
		}
	}
}

func TestBadDurationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "d", "10", "-1s", "+1s", "-1d", "1d-1h", "1d 2h", "1.5d", "1d2d", "1month", "106752d",
		"106751d24h", "9223372036854775808d", "1e3s", "ten seconds",
	} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, d)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"30d", "1d12h", "250ms", "-1s", "1.5h", "106751d23h", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is negative: %v", text, d)
		}
		if again, err := ParseDuration(formatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %v, shown as %q, read as %v, %v", text, d, formatDuration(d), again, err)
		}
	})
}

func TestWaits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Waits{
		"":              {},
		"  ":            {},
		"5s":            {5 * time.Second},
		"5s,30s,120s":   {5 * time.Second, 30 * time.Second, 2 * time.Minute},
		" 1ms , 1d ,1s": {time.Millisecond, day, time.Second},
	} {
		var got Waits
		if err := got.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	for _, text := range []string{"5s,", ",", "5s;30s", "1s,1s,1s,1s", "5", "-5s"} {
		var w Waits
		if err := w.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, w)
		}
	}
}

func FuzzWaits(f *testing.F) {
	for _, text := range []string{"", "5s,30s,120s", "1d", ",", "1s,,1s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var w, again Waits
		if w.UnmarshalText([]byte(text)) != nil {
			return
		}
		if len(w) > MaxRetries {
			t.Fatalf("%q gives %d waits", text, len(w))
		}
		shown, err := w.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText(shown); err != nil || !cmp.Equal(w, again) {
			t.Fatalf("%q is %v, shown as %q, read as %v, %v", text, w, shown, again, err)
		}
	})
}
