package config

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads a YAML file of keys and values. What is wrong with it is added
// to the problems; the rest is returned.
func (l *loader) readFile(path string) layer {
	from := layer{name: "file", values: map[string]string{}}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		l.fail(FileVariable, "", wrong("the configuration file cannot be read: %v", err))
		return from
	}
	var keys map[string]yaml.Node
	if err := yaml.Unmarshal(data, &keys); err != nil {
		l.fail(FileVariable, path, wrong("is not a YAML file of keys and values: %s", oneLine(err)))
		return from
	}

	known := map[string]string{}
	for _, s := range Settings() {
		known[s.Key()] = s.Variable
		if s.Secret {
			known[s.Key()+strings.ToLower(fileSuffix)] = s.Variable + fileSuffix
		}
	}
	for _, key := range sortedKeys(keys) {
		node := keys[key]
		where := fmt.Sprintf("%s line %d", path, node.Line)
		variable, ok := known[key]
		if !ok {
			l.fail(key, where, wrong("is not a known key%s", suggestion(key, sortedKeys(known))))
			continue
		}
		text, given, err := nodeText(&node)
		if err != nil {
			l.fail(key, where, err)
			continue
		}
		if given {
			from.values[variable] = text
		}
	}
	return from
}

// nodeText returns a value as one would write it in the environment: a list
// becomes a comma list. A key without a value is not given.
func nodeText(n *yaml.Node) (text string, given bool, err error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, n.Tag != "!!null", nil
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return "", false, wrong("is a list of lists or maps").want("one value or a list of values")
			}
			items[i] = item.Value
		}
		return strings.Join(items, ","), true, nil
	default:
		return "", false, wrong("is a map or a reference").want("one value or a list of values")
	}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
