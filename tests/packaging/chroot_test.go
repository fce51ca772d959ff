package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/tests/harness"
)

// requireRoot skips what only root can do, or fails it in CI, which is root.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("only root may change roots")
	}
	t.Skip("only root may change roots")
}

// do runs a program to its end and returns what it prints.
func do(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// debian makes a small root of Debian's packages, with dpkg's notes of none.
func debian(t *testing.T) string {
	t.Helper()
	root := shellRoot(t)
	for _, folder := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// shellRoot makes a root of the files of Debian's packages: a shell and small programs.
func shellRoot(t *testing.T) string {
	t.Helper()
	harness.Require(t, "apt-get", "dpkg", "dpkg-deb", "chroot")
	root, packages := t.TempDir(), t.TempDir()
	download := exec.CommandContext(t.Context(), "apt-get", "download", "libc6", "dash", "coreutils", "libacl1", "libattr1", "libgmp10", "libselinux1", "libpcre2-8-0")
	download.Dir = packages
	if out, err := download.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Folders that packages of before the merged /usr fill.
	for _, folder := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := os.MkdirAll(filepath.Join(root, "usr", folder), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("usr/"+folder, filepath.Join(root, folder)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(packages, "*.deb"))
	if err != nil || len(files) != 8 {
		t.Fatalf("%d packages: %v", len(files), err)
	}
	for _, file := range files { // tar, unlike dpkg-deb -x, keeps the links of folders
		do(t, "sh", "-c", `dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"`, "sh", file, root)
	}
	if err := os.Mkdir(filepath.Join(root, "tmp"), 0o1777); err != nil {
		t.Fatal(err)
	}
	open(t, root)
	return root
}

// open lets everybody into a folder, which is a root to them.
func open(t *testing.T, root string) {
	t.Helper()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
}

// nobody is who runs the program in a root: the number of the image's user.
const nobody = "65532:65532"

// container is a root, and what runs in it.
type container struct {
	root, user string
	env        []string
	program    string
	// health are the arguments with which the program asks for its health.
	health []string
}

// dataIn makes the data folder of nobody in a root.
func dataIn(t *testing.T, root string) {
	t.Helper()
	data := filepath.Join(root, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 65532, 65532); err != nil {
		t.Fatal(err)
	}
}

// start starts a standalone system, and returns when it is healthy. It keeps its data
// in the root's folder data.
func (c container) start(t *testing.T) {
	t.Helper()
	core := harness.FreeAddr(t)
	env := append(slices.Clone(c.env), "HARBORHOOK_CORE_ADDR="+core,
		"HARBORHOOK_JOBSERVICE_ADDR="+harness.FreeAddr(t), "HARBORHOOK_REGISTRY_ADDR="+harness.FreeAddr(t))
	harness.Run(t, harness.Program{
		Name: "harborhook", Path: "chroot", Args: []string{"--userspec=" + c.user, c.root, c.program, "standalone"}, Env: env,
		ReadyURL: "http://" + core + "/readyz",
	})
	check := exec.CommandContext(t.Context(), "chroot", append([]string{"--userspec=" + c.user, c.root, c.program}, c.health...)...)
	check.Env = env
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the health check: %v\n%s", err, out)
	}
	if entries, err := os.ReadDir(filepath.Join(c.root, "data")); err != nil || len(entries) == 0 {
		t.Errorf("the data folder has %d entries: %v", len(entries), err)
	}
}

// runIn starts the program in a root as nobody.
func runIn(t *testing.T, root, program string) {
	t.Helper()
	dataIn(t, root)
	container{root: root, user: nobody, env: []string{"HARBORHOOK_DATA_DIR=/data"}, program: program, health: []string{"health"}}.start(t)
}

// TestThePackageIsInstalledAndStartsAndGoes in a root that is made of Debian's packages:
// with its scripts, and as nobody.
func TestThePackageIsInstalledAndStartsAndGoes(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	built, root := install(t), debian(t)
	dpkg := func(args ...string) string { return do(t, "dpkg", append([]string{"--root=" + root}, args...)...) }
	for range 2 { // an upgrade to the same version
		dpkg("--install", built.file(".deb"))
	}
	if got := dpkg("--status", "harborhook"); !strings.Contains(got, "Status: install ok installed") {
		t.Errorf("dpkg says %s", got)
	}
	if got := do(t, "chroot", root, "harborhook", "version"); !strings.HasPrefix(got, "harborhook ") {
		t.Errorf("the program says %s", got)
	}
	runIn(t, root, "/usr/bin/harborhook")

	dpkg("--purge", "harborhook")
	if _, err := os.Stat(filepath.Join(root, "usr/bin/harborhook")); !os.IsNotExist(err) {
		t.Errorf("the program is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "data")); err != nil {
		t.Errorf("the data are gone: %v", err)
	}
}

// TestTheArchiveStarts where nothing else is.
func TestTheArchiveStarts(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	root := t.TempDir()
	do(t, "tar", "-xzf", install(t).file(".tar.gz"), "-C", root, "--strip-components=1")
	open(t, root)
	runIn(t, root, "/harborhook")
}
