package config

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Value is one setting as it stands, for people.
type Value struct {
	Variable string
	// Value is masked if the setting is a secret.
	Value string
	// From is where the value came from: default, file, environment, flag or
	// generated, and for a secret read from a file the variable that named it.
	From string
}

// Describe returns every setting's value, in the order of Config's fields.
func (c Config) Describe() []Value {
	var all []Value
	for _, s := range Settings() {
		from := "default"
		if o, ok := c.origins[s.Variable]; ok {
			from = o.from
			if o.unusable {
				from += " (unusable)"
			}
		}
		all = append(all, Value{Variable: s.Variable, Value: s.show(&c), From: from})
	}
	return all
}

// Print writes what Describe returns as a table.
func (c Config) Print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VARIABLE\tVALUE\tFROM")
	for _, v := range c.Describe() {
		value := v.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Variable, value, v.From)
	}
	return table.Flush()
}
