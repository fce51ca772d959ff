package harness

// Program is any program that a test runs.
type Program struct {
	Name string
	// Path is a file, or a name that is looked up where programs are.
	Path string
	Args []string
	// Env is added to PATH and HOME, as VARIABLE=value.
	Env []string
	// ReadyURL answers 200 when the program can be used.
	ReadyURL string
	// Careless says that its exit code means nothing.
	Careless bool
}

// Run starts a program in a folder of its own and waits until it is ready. It is
// stopped at the end of the test.
func Run(t T, p Program) *Process {
	t.Helper()
	path := findProgram(p.Path)
	if path == "" {
		t.Fatalf("there is no program %s", p.Path)
	}
	process := newProcess(t, command{
		name: p.Name, path: path, args: p.Args, env: p.Env, dir: folder(t), careless: p.Careless, ready: answers(p.ReadyURL),
	})
	process.Start()
	return process
}
