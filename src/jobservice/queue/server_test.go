package queue

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestURLsOfRedis(t *testing.T) {
	t.Parallel()
	type read struct {
		URL, Master, SentinelUser, SentinelPassword string
		Sentinels                                   []string
	}
	for text, want := range map[string]read{
		"redis://h":             {URL: "redis://h"},
		"rediss://u:p@h:6380/3": {URL: "rediss://u:p@h:6380/3"},
		"redis+sentinel://h/main": {
			URL: "redis:///", Master: "main", Sentinels: []string{"h:26379"},
		},
		"rediss+sentinel://u:p%40@a:1,b,[::1]:2,[::2]/main/3?sentinel_username=su&sentinel_password=s%2Fp": {
			URL: "rediss://u:p%40@/3", Master: "main", SentinelUser: "su", SentinelPassword: "s/p",
			Sentinels: []string{"a:1", "b:26379", "[::1]:2", "[::2]:26379"},
		},
	} {
		s, err := parseServer(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := read{s.url.String(), s.master, s.sentinelUser, s.sentinelPassword, s.sentinels}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{
		"", "h:6379", "http://h", "redis://", "redis+sentinel://", "redis+sentinel://h", "redis+sentinel://h/", "redis+sentinel:///main",
		"redis+sentinel://h,/main", "redis+sentinel://u:secret@h:%zz/main", "redis://u:secret@h:%zz",
	} {
		_, err := parseServer(text)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
