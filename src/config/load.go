package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// FileVariable names the YAML file when no flag does.
const FileVariable = prefix + "CONFIG"

// Input is what Load reads from.
type Input struct {
	Shape Shape
	// File is the YAML file; empty = the one that FileVariable names, if any.
	File string
	// Environ is the process environment, as of os.Environ.
	Environ []string
	// Flags are the values given on the command line, by variable.
	Flags map[string]string
}

// layer is one source of values. Values are by variable; a secret's twin has
// the value's file.
type layer struct {
	name   string
	values map[string]string
}

// origin says where a value came from.
type origin struct {
	from string
	// unusable says that what was given could not be read, so that the field
	// still holds what was there before.
	unusable bool
}

// Load reads the configuration: defaults, the file over them, the environment
// over that, flags over all. Everything that cannot be read is told at once, in
// an error of type Problems; the configuration then holds the rest. Warnings
// are about what is surely a mistake but hinders nothing. Whether the values
// make sense together is Validate's matter.
func Load(in Input) (cfg Config, warnings []string, err error) {
	environment, warnings := readEnviron(in.Environ)
	l := loader{cfg: Default(in.Shape)}
	l.cfg.origins = map[string]origin{}

	path := in.File
	if path == "" {
		path = environment.values[FileVariable]
	}
	if path != "" {
		l.use(l.readFile(path))
	}
	l.use(environment)
	l.use(layer{name: "flag", values: in.Flags})
	return l.cfg, warnings, l.problems.orNil()
}

type loader struct {
	cfg      Config
	problems Problems
}

func (l *loader) use(from layer) {
	for _, s := range Settings() {
		l.apply(s, from)
	}
}

// apply gives a setting the value that a layer has for it, if it has one.
func (l *loader) apply(s Setting, from layer) {
	text, given := from.values[s.Variable]
	o := origin{from: from.name}
	var err error
	if s.Secret {
		// An empty variable of a secret is one that nobody has filled in.
		given = text != ""
		twin := s.Variable + fileSuffix
		if file := from.values[twin]; file != "" {
			if given {
				err = wrong("is given twice, by value and by %s", twin).want("one of them")
			} else {
				o.from = from.name + ", " + twin
				text, err = readSecretFile(file)
			}
			given = true
		}
	}
	if !given {
		return
	}
	if err == nil {
		err = s.set(&l.cfg, text)
	}
	if err != nil {
		o.unusable = true
		l.fail(s.Variable, o.from, err)
	}
	l.cfg.origins[s.Variable] = o
}

func (l *loader) fail(variable, from string, err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = &Problem{Wrong: err.Error()}
	}
	l.problems = append(l.problems, &Problem{Variable: variable, From: from, Wrong: p.Wrong, Want: p.Want})
}

// readSecretFile returns a file's content without the newline that editors and
// echo put at its end.
func readSecretFile(path string) (string, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", wrong("its file cannot be read: %v", err).want("a file that this process may read")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if text == "" {
		return "", wrong("its file %s is empty", path).want("the value in it")
	}
	return text, nil
}

// clientVariables are those of the commands that call a server, which no shape reads.
func clientVariables() []string {
	return []string{prefix + "SERVER", prefix + "USER", prefix + "PASSWORD", prefix + "PROJECT"}
}

// readEnviron picks our variables and warns of those that mean nothing.
func readEnviron(environ []string) (layer, []string) {
	known := append([]string{FileVariable}, clientVariables()...)
	for _, s := range Settings() {
		known = append(known, s.Variable)
		if s.Secret {
			known = append(known, s.Variable+fileSuffix)
		}
	}
	from := layer{name: "environment", values: map[string]string{}}
	var warnings []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if !slices.Contains(known, name) {
			warnings = append(warnings, fmt.Sprintf("environment variable %s is not known and ignored%s", name, suggestion(name, known)))
			continue
		}
		from.values[name] = value
	}
	slices.Sort(warnings)
	return from, warnings
}
