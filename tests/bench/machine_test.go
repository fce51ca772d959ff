package main

import "testing"

func TestFileSystemIsTheOneMountedNearest(t *testing.T) {
	t.Parallel()
	const mounts = "overlay / overlay rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/a /tmp/disk xfs rw 0 0\n/dev/b /tmp/disk ext4 rw 0 0\nbroken\n"
	for dir, want := range map[string]string{
		"/home/x": "overlay", "/tmp": "tmpfs", "/tmp/a/b": "tmpfs", "/tmpfoo": "overlay", "/tmp/disk/x": "ext4",
	} {
		if got := fileSystem(mounts, dir); got != want {
			t.Errorf("fileSystem(%q) = %q, want %q", dir, got, want)
		}
	}
	if got := fileSystem("", "/tmp"); got != "an unknown file system" {
		t.Errorf("without mounts: %q", got)
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	const text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: another\n"
	if got := value(text, "model name"); got != "Some CPU @ 2 GHz" {
		t.Errorf("value = %q", got)
	}
	if got := value(text, "model"); got != "" {
		t.Errorf("value of a key that is not there = %q", got)
	}
}
