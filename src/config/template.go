package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteTemplate writes a YAML file that names every key with what it does and
// its default, all of them commented out.
func WriteTemplate(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration of harborhook: every key, with its default.
# Written from the struct in src/config by "make generate"; do not edit here.
#
# Give it with --config or HARBORHOOK_CONFIG. Every key can be set by the
# environment too, in upper case after HARBORHOOK_ (workers: HARBORHOOK_WORKERS),
# and the environment wins. A key marked "secret" has a twin that ends in _file
# and names a file that holds the value. Lists are YAML lists or comma lists.
`)
	for _, s := range Settings() {
		b.WriteString("\n")
		help := s.Help
		if s.Secret {
			help += " (secret)"
		}
		for _, line := range wrap(help, 78) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if s.standalone != s.value {
			fmt.Fprintf(&b, "# In the standalone shape the default is %s.\n", s.standalone)
		}
		fmt.Fprintf(&b, "#%s: %s\n", s.Key(), quoted(s.value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WritePage writes the page of the documentation that lists every setting.
func WritePage(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

Every setting, written from the struct in ` + "`src/config`" + ` by ` + "`make generate`" + `. Each is an environment
variable, and a key of a YAML file that ` + "`--config`" + ` or ` + "`HARBORHOOK_CONFIG`" + ` names, in lower case and without
` + "`HARBORHOOK_`" + ` ([an example](../make/harborhook.yml.example)). The environment wins over the file, and flags over
both. A secret has a twin that ends in ` + "`_FILE`" + ` and names a file that holds the value.
` + "`harborhook config -shape core`" + ` prints what is in force and where it came from;
[operations.md](operations.md) and [security.md](security.md) say what to set.

| variable | default | what |
|---|---|---|
`)
	for _, s := range Settings() {
		help := s.Help
		if s.Secret {
			help += " (secret)"
		}
		if s.Flag != "" {
			help += "; flag `--" + s.Flag + "`"
		}
		standard := cell(s.value)
		if s.standalone != s.value {
			standard += "; standalone: " + cell(s.standalone)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Variable, standard, strings.ReplaceAll(help, "|", "\\|"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell shows a default in a table.
func cell(value string) string {
	if value == "" {
		return "none"
	}
	return "`" + value + "`"
}

func quoted(value string) string {
	if value == "" {
		return `""`
	}
	return value
}

// wrap breaks a text into lines of at most width letters, at blanks.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
