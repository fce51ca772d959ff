package config

import (
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// prefix begins every variable.
const prefix = "HARBORHOOK_"

// fileSuffix ends the twin of a secret's variable, which names a file that
// holds the value.
const fileSuffix = "_FILE"

// Setting describes one field of Config.
type Setting struct {
	// Variable is the environment variable.
	Variable string
	// Flag is the command line flag without dashes, empty for most.
	Flag string
	// Help says what the setting does, in one line.
	Help string
	// Secret values are masked wherever they are shown, and may stand in a file
	// named by the variable's twin.
	Secret bool

	value      string
	standalone string
	field      int
}

// Settings lists every setting in the order of Config's fields.
func Settings() []Setting {
	var all []Setting
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		variable, ok := f.Tag.Lookup("env")
		if !ok {
			continue
		}
		s := Setting{
			Variable: variable,
			Flag:     f.Tag.Get("flag"),
			Help:     f.Tag.Get("help"),
			Secret:   f.Type == reflect.TypeFor[Secret]() || f.Type == reflect.TypeFor[SecretURL](),
			value:    f.Tag.Get("default"),
			field:    i,
		}
		s.standalone = s.value
		if v, ok := f.Tag.Lookup("standalone"); ok {
			s.standalone = v
		}
		all = append(all, s)
	}
	return all
}

// Key returns the setting's key in the YAML file.
func (s Setting) Key() string { return strings.ToLower(strings.TrimPrefix(s.Variable, prefix)) }

// DefaultFor returns the text of the setting's default in a shape.
func (s Setting) DefaultFor(shape Shape) string {
	if shape == Standalone {
		return s.standalone
	}
	return s.value
}

// set parses text into the setting's field of c.
func (s Setting) set(c *Config, text string) error {
	switch v := s.pointer(c).(type) {
	case *string:
		*v = text
	case *Secret:
		*v = Secret(text)
	case *SecretURL:
		*v = SecretURL(text)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return wrong("%q is not a whole number", text).want("a number such as %s", s.value)
		}
		*v = n
	case *time.Duration:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		*v = d
	case *slog.Level:
		if err := v.UnmarshalText([]byte(text)); err != nil {
			return wrong("%q is not a level", text).want("debug, info, warn or error")
		}
	case encoding.TextUnmarshaler:
		return v.UnmarshalText([]byte(text))
	default:
		return fmt.Errorf("a setting cannot be a %T", v)
	}
	return nil
}

// show returns the setting's value in c as it may be shown: what set would
// parse, with secrets masked.
func (s Setting) show(c *Config) string {
	switch v := s.pointer(c).(type) {
	case *time.Duration:
		return formatDuration(*v)
	case *slog.Level:
		return strings.ToLower(v.String())
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return err.Error()
		}
		return string(text)
	default:
		return fmt.Sprint(reflect.ValueOf(v).Elem())
	}
}

func (s Setting) pointer(c *Config) any {
	return reflect.ValueOf(c).Elem().Field(s.field).Addr().Interface()
}
