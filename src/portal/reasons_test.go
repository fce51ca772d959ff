package portal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/harborhook/harborhook/src/portal/words"
)

// below are the packages whose reasons pages show.
var below = []string{"hook", "core/webhook", "core/auth", "core/payload", "store", "jobservice", "jobservice/delivery"}

// passedOn are the arguments that are reasons from elsewhere, which are found there.
var passedOn = []string{"reason", "err.Error()", "done.Refused[id]"}

// reasons are what the services below the pages say.
type reasons struct {
	t     *testing.T
	found map[string]bool
}

// literal adds an argument that is a text, or a text with something behind it.
func (r *reasons) literal(e ast.Expr) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && text != "" {
			r.found[text] = true
		}
	case *ast.BinaryExpr:
		first, ok := e.X.(*ast.BasicLit)
		if !ok {
			r.t.Errorf("a reason that cannot be read: %s", types.ExprString(e))
			return
		}
		text, _ := strconv.Unquote(first.Value)
		verb := "%s"
		if strings.HasPrefix(types.ExprString(e.Y), "strconv.Itoa") {
			verb = "%d"
		}
		r.found[text+verb] = true
	case *ast.CallExpr:
		if name(e.Fun) == "Sprintf" {
			r.literal(e.Args[0])
		} else if !slices.Contains(passedOn, types.ExprString(e)) && !slices.Contains(sayers, name(e.Fun)) && name(e.Fun) != "Error" {
			r.t.Errorf("a reason that cannot be read: %s", types.ExprString(e))
		}
	default:
		if text := types.ExprString(e); !slices.Contains(passedOn, text) && !slices.Contains(named, name(e)) {
			r.t.Errorf("a reason that cannot be read: %s", text)
		}
	}
}

func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// named are reasons that have a name.
var named = []string{"SecretStays", "NotOpened", "whyDropped"}

// sayers are functions that return what they say, as their last result.
var sayers = []string{"UsernameFault", "ShortTextFault", "targetFault", "hostFault", "obstacle", "certificateText", "judge"}

func (r *reasons) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if slices.Contains(sayers, n.Name.Name) {
			r.returns(n)
		}
	case *ast.CallExpr:
		switch name(n.Fun) {
		case "Invalid", "Invalidf":
			r.literal(n.Args[1])
		case "Conflict":
			r.literal(n.Args[0])
		case "StopJob":
			r.literal(n.Args[3])
		case "GiveUp":
			r.literal(n.Args[3])
		}
	case *ast.CompositeLit:
		if name(n.Type) == "fault" && len(n.Elts) == 2 {
			r.literal(n.Elts[1])
		}
	case *ast.AssignStmt:
		r.assigned(n)
	case *ast.ValueSpec:
		if slices.Contains(named, n.Names[0].Name) {
			r.literal(n.Values[0])
		}
	case *ast.IndexExpr:
		if name(n.X) == "stop" {
			if _, ok := n.Index.(*ast.BasicLit); ok {
				r.literal(n.Index)
			}
		}
	}
	return r
}

func (r *reasons) returns(f *ast.FuncDecl) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			if last := ret.Results[len(ret.Results)-1]; name(last) == "" {
				if call, ok := last.(*ast.CallExpr); !ok || !slices.Contains(sayers, name(call.Fun)) {
					r.literal(last)
				}
			}
		}
		return true
	})
}

// assigned finds what a job is stored with, and messages of circuits.
func (r *reasons) assigned(n *ast.AssignStmt) {
	for i, left := range n.Lhs {
		if text := name(left); (text == "StatusMessage" || text == "message") && len(n.Rhs) == len(n.Lhs) {
			if call, ok := n.Rhs[i].(*ast.CallExpr); ok && name(call.Fun) == "Sprintf" {
				r.literal(call)
			}
		}
	}
}

func TestEveryReasonIsTranslated(t *testing.T) {
	t.Parallel()
	r := &reasons{t, map[string]bool{}}
	for _, dir := range below {
		files, err := fs.Glob(os.DirFS("../"+dir), "*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), path.Join("..", dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Walk(r, parsed)
		}
	}
	if len(r.found) < 80 {
		t.Fatalf("only %d reasons were found", len(r.found))
	}
	for _, code := range []syntax.ErrorCode{
		syntax.ErrInternalError, syntax.ErrInvalidCharClass, syntax.ErrInvalidCharRange, syntax.ErrInvalidEscape, syntax.ErrInvalidNamedCapture,
		syntax.ErrInvalidPerlOp, syntax.ErrInvalidRepeatOp, syntax.ErrInvalidRepeatSize, syntax.ErrInvalidUTF8, syntax.ErrMissingBracket,
		syntax.ErrMissingParen, syntax.ErrMissingRepeatArgument, syntax.ErrTrailingBackslash, syntax.ErrUnexpectedParen, syntax.ErrNestingDepth, syntax.ErrLarge,
	} {
		r.found[string(code)] = true
	}
	for _, l := range words.Languages() {
		for message := range r.found {
			if !l.Has(message) {
				t.Errorf("%s has no %q", l.Tag, message)
			}
			if got := verbs.FindAllString(l.T(message), -1); len(got) != len(verbs.FindAllString(message, -1)) {
				t.Errorf("%s says %q with other verbs", l.Tag, message)
			}
		}
	}
}

func TestWhatWasStoredIsTold(t *testing.T) {
	t.Parallel()
	languages := words.Languages()
	for text, want := range map[string]string{
		"attempt 2 of 4 failed: timeout":         "第 2 次尝试（共 4 次）失败：超时",
		"all 4 attempts failed, the last: reset": "4 次尝试全部失败，最后一次：被重置",
		"HTTP status 502":                        "HTTP 状态 502",
		"stopped by 100%d":                       "由 100%d 停止",
		"no answer in time":                      "未及时响应",
		"something else: 7":                      "something else: 7",
		"":                                       "",
	} {
		if got := languages[1].Told(text); got != want {
			t.Errorf("%q is told as %q, want %q", text, got, want)
		}
		if got := languages[0].Told(text); got != text {
			t.Errorf("%q is told as %q in English", text, got)
		}
	}
}
