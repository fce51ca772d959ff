package payload

import (
	"fmt"
	"reflect"
	"strings"
	"text/template"
)

// jsonText is JSON, as opposed to text that stands within a JSON string. It is no
// string, so that slice cannot cut it where a quote is escaped.
type jsonText struct{ text string }

// String is for print and printf, which make it text like any other.
func (j jsonText) String() string { return j.text }

// allowed lists the functions that a template may call: ours, and those of
// text/template whose cost does not depend on what they are given. print and
// printf are ours.
func allowed() []string {
	return []string{
		"json", "default", "trimPrefix", "trimSuffix", "trim", "lower", "upper", "replace", "join", "contains", "hasPrefix",
		"hasSuffix", "truncate", "print", "printf",
		"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice",
	}
}

// functions returns our functions. The value that comes through a pipe is the
// last argument: {{.tag | trimPrefix "v"}}.
func (b *budget) functions() template.FuncMap {
	return template.FuncMap{
		funcEscape: b.escape, funcRange: b.ranged, funcStep: b.step,

		"json":       b.json,
		"default":    orDefault,
		"trimPrefix": func(prefix string, v any) (string, error) { return b.text(v, cut(strings.TrimPrefix, prefix)) },
		"trimSuffix": func(suffix string, v any) (string, error) { return b.text(v, cut(strings.TrimSuffix, suffix)) },
		"trim":       func(v any) (string, error) { return b.text(v, strings.TrimSpace) },
		"lower":      func(v any) (string, error) { return b.text(v, strings.ToLower) },
		"upper":      func(v any) (string, error) { return b.text(v, strings.ToUpper) },
		"replace":    b.replace,
		"join":       b.join,
		"contains":   func(part string, v any) (bool, error) { return b.holds(v, strings.Contains, part) },
		"hasPrefix":  func(prefix string, v any) (bool, error) { return b.holds(v, strings.HasPrefix, prefix) },
		"hasSuffix":  func(suffix string, v any) (bool, error) { return b.holds(v, strings.HasSuffix, suffix) },
		"truncate":   b.truncate,
		"print":      b.print,
		"printf":     b.printf,
	}
}

// escape is what every action that writes ends with.
func (b *budget) escape(v any) (string, error) {
	if text, ok := v.(jsonText); ok {
		return text.text, nil // paid for when it was made
	}
	encoded, err := b.json(v)
	if err != nil {
		return "", err
	}
	if _, ok := v.(string); ok {
		return encoded.text[1 : len(encoded.text)-1], nil
	}
	return encoded.text, nil
}

func (b *budget) json(v any) (jsonText, error) {
	if text, ok := v.(jsonText); ok {
		return text, nil
	}
	encoded, err := encode(v)
	if err != nil {
		return jsonText{}, err
	}
	return jsonText{string(encoded)}, b.make(len(encoded))
}

// orDefault returns v, or instead if v is empty: "", 0, false, nil, or without elements.
func orDefault(instead, v any) any {
	if truth, ok := template.IsTrue(v); !ok || !truth {
		return instead
	}
	return v
}

// text applies a function that makes at most as many characters as it is given.
func (b *budget) text(v any, apply func(string) string) (string, error) {
	s, err := textOf(v)
	if err != nil {
		return "", err
	}
	if err := b.make(len(s)); err != nil {
		return "", err
	}
	return apply(s), nil
}

func cut(apply func(s, part string) string, part string) func(string) string {
	return func(s string) string { return apply(s, part) }
}

// holds looks for part in a text, which costs as much as making it.
func (b *budget) holds(v any, apply func(s, part string) bool, part string) (bool, error) {
	s, err := textOf(v)
	if err != nil {
		return false, err
	}
	if err := b.make(len(s)); err != nil {
		return false, err
	}
	return apply(s, part), nil
}

func (b *budget) replace(old, replacement string, v any) (string, error) {
	s, err := textOf(v)
	if err != nil {
		return "", err
	}
	if err := b.make(len(s) + strings.Count(s, old)*len(replacement)); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, old, replacement), nil
}

func (b *budget) join(separator string, list any) (string, error) {
	of := reflect.ValueOf(list)
	if of.Kind() != reflect.Slice {
		return "", refusal("join wants a list")
	}
	if _, err := b.step(of.Len()); err != nil {
		return "", err
	}
	parts, size := make([]string, of.Len()), 0
	for i := range parts {
		part, err := textOf(of.Index(i).Interface())
		if err != nil {
			return "", err
		}
		parts[i] = part
		if size += len(part) + len(separator); size > maxText {
			break
		}
	}
	if err := b.make(size); err != nil {
		return "", err
	}
	return strings.Join(parts, separator), nil
}

// truncate keeps at most so many characters.
func (b *budget) truncate(most int, v any) (string, error) {
	return b.text(v, func(s string) string {
		for i := range s {
			if most--; most < 0 {
				return s[:i]
			}
		}
		return s
	})
}

func (b *budget) print(args ...any) (string, error) {
	size := 0
	for _, arg := range args {
		s, err := textOf(arg)
		if err != nil {
			return "", err
		}
		size += len(s) + 1
	}
	if err := b.make(size); err != nil {
		return "", err
	}
	return fmt.Sprint(args...), nil
}

// maxExpansion is by how much a verb can lengthen a text: "%# x" writes a byte as
// "0x00 ".
const maxExpansion = 5

// maxNumber is the room for what a verb writes beside the text of its argument:
// the longest number, a width and a precision of two digits each.
const maxNumber = 512

func (b *budget) printf(format string, args ...any) (string, error) {
	verbs, err := countVerbs(format)
	if err != nil {
		return "", err
	}
	size := len(format) + (verbs+len(args))*maxNumber
	for _, arg := range args {
		s, err := textOf(arg)
		if err != nil {
			return "", err
		}
		size += maxExpansion * len(s)
	}
	if size > maxExpansion*maxText {
		return "", refusalf("printf: the arguments are too long")
	}
	made := fmt.Sprintf(format, args...)
	return made, b.make(len(made))
}

// countVerbs counts the verbs of a format and refuses widths that are long, or
// come from an argument, and arguments that are used more than once.
func countVerbs(format string) (int, error) {
	count := 0
	for {
		_, rest, found := strings.Cut(format, "%")
		if !found {
			return count, nil
		}
		count++
		rest, width := digits(strings.TrimLeft(rest, "-+# 0"))
		precision := 0
		if strings.HasPrefix(rest, ".") {
			rest, precision = digits(rest[1:])
		}
		if width > 2 || precision > 2 {
			return 0, refusal("printf: a width or precision has two digits at most")
		}
		if rest == "" || rest[0] == '*' || rest[0] == '[' || rest[0] == '.' {
			return 0, refusalf("printf: a verb that begins with %.1q is not possible", rest)
		}
		format = rest[1:]
	}
}

// digits takes digits off the beginning of s and says how many.
func digits(s string) (rest string, n int) {
	rest = strings.TrimLeft(s, "0123456789")
	return rest, len(s) - len(rest)
}

// textOf returns text, numbers and bools as text. Lists and maps have no text
// but their JSON.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case jsonText:
		return v.text, nil
	}
	switch reflect.ValueOf(v).Kind() {
	case reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Pointer, reflect.Struct:
		return "", refusal("a list or map is no text: use json")
	default:
		return fmt.Sprint(v), nil
	}
}
