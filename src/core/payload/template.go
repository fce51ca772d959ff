package payload

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
)

// The bounds of one execution of a template. text/template has none: {{range
// 1000000000}} counts to the end, {{define}} may call itself, printf pads to any
// width, and a variable that is doubled forty times fills the memory. None of
// these can be interrupted from outside. So templates are checked and changed
// before they run:
//
//   - {{define}}, {{template}} and {{block}} are refused, so nothing recurs.
//   - Only the functions of functions.go may be called, and they bound what they
//     return before they make it.
//   - Each turn of a {{range}} first pays for itself and the nodes of its body, and
//     what it ranges over is paid for by its length.
//   - All text that is made or written is paid for by its length.
const (
	maxSteps = 10_000    // nodes visited in loops, and elements ranged over
	maxText  = 64 << 10  // bytes of one string that a function returns
	maxMade  = 256 << 10 // bytes of all strings that functions return
	maxBody  = 128 << 10 // bytes written
)

// turn is what a turn of a loop costs beside the nodes of its body, in steps.
const turn = 4

// templateName begins the messages of text/template, which tidied takes off.
const templateName = "template"

// The functions that are put into templates. No template can name them, since
// they are not in allowed.
const (
	funcEscape = "_escape"
	funcRange  = "_range"
	funcStep   = "_step"
)

// execute runs a template and returns what it writes. What an action writes is
// escaped for the inside of a JSON string, unless it comes from the function json.
func execute(text string, values map[string]any) ([]byte, error) {
	b := &budget{}
	parsed, err := template.New(templateName).Option("missingkey=error").Funcs(b.functions()).Parse(text)
	if err != nil {
		return nil, tidied(err)
	}
	if err := bound(parsed); err != nil {
		return nil, err
	}
	out := &limitedBuffer{}
	if err := parsed.Execute(out, values); err != nil {
		return nil, tidied(err)
	}
	return out.Bytes(), nil
}

// bound checks a template and puts in what makes its execution pay.
func bound(t *template.Template) error {
	for _, defined := range t.Templates() {
		if defined.Name() != templateName {
			return refusal("templates within a template are not possible: leave out define and block")
		}
	}
	if t.Tree == nil || t.Root == nil {
		return refusal("the template writes nothing")
	}
	c := &bounder{}
	c.list(t.Root)
	return c.err
}

// bounder walks a template; it keeps the first fault.
type bounder struct {
	err   error
	nodes int
}

func (c *bounder) fault(format string, args ...any) {
	if c.err == nil {
		c.err = refusalf(format, args...)
	}
}

func (c *bounder) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		c.nodes++
		c.node(n)
	}
}

// node handles what stands between pieces of text.
func (c *bounder) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.TextNode, *parse.CommentNode, *parse.BreakNode, *parse.ContinueNode:
	case *parse.ActionNode:
		c.pipe(n.Pipe)
		if len(n.Pipe.Decl) == 0 { // an assignment writes nothing
			n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, funcEscape))
		}
	case *parse.IfNode:
		c.branch(&n.BranchNode)
	case *parse.WithNode:
		c.branch(&n.BranchNode)
	case *parse.RangeNode:
		before := c.nodes
		c.branch(&n.BranchNode)
		cost := c.nodes - before
		n.Pipe.Cmds = append(n.Pipe.Cmds, command(n.Pos, funcRange))
		n.List.Nodes = slices.Insert(n.List.Nodes, 0, step(n.Pos, cost))
	default:
		c.fault("%s is not possible in a payload template", n)
	}
}

func (c *bounder) branch(b *parse.BranchNode) {
	c.pipe(b.Pipe)
	c.list(b.List)
	c.list(b.ElseList)
}

func (c *bounder) pipe(p *parse.PipeNode) {
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			c.nodes++
			c.argument(arg)
		}
	}
}

func (c *bounder) argument(n parse.Node) {
	switch n := n.(type) {
	case *parse.PipeNode:
		c.pipe(n)
	case *parse.ChainNode:
		c.argument(n.Node)
	case *parse.IdentifierNode:
		if !slices.Contains(allowed(), n.Ident) {
			c.fault("the function %q is not possible in a payload template; possible are %s", n.Ident, strings.Join(allowed(), ", "))
		}
	case *parse.BoolNode, *parse.DotNode, *parse.FieldNode, *parse.NilNode, *parse.NumberNode, *parse.StringNode, *parse.VariableNode:
	default:
		c.fault("%s is not possible in a payload template", n)
	}
}

// step is an action that pays for a turn of a loop.
func step(at parse.Pos, cost int) parse.Node {
	cost += turn
	number := &parse.NumberNode{NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(cost), Text: strconv.Itoa(cost)}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: &parse.PipeNode{
		NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{command(at, funcStep, number)},
	}}
}

func command(at parse.Pos, function string, args ...parse.Node) *parse.CommandNode {
	called := parse.NewIdentifier(function).SetPos(at)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: append([]parse.Node{called}, args...)}
}

// budget is what is left of the bounds during one execution.
type budget struct {
	steps int
	made  int
}

// step pays for n nodes or elements.
func (b *budget) step(n int) (string, error) {
	if b.steps += n; n > maxSteps || b.steps > maxSteps {
		return "", refusalf("the template loops too long: more than %d steps", maxSteps)
	}
	return "", nil
}

// ranged pays for what a loop goes over, and returns it.
func (b *budget) ranged(v any) (any, error) {
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.Invalid:
		return v, nil
	case reflect.Map, reflect.Slice:
		_, err := b.step(of.Len())
		return v, err
	case reflect.Int, reflect.Int64:
		return v, nil // the turns pay
	default:
		return nil, refusalf("range over %s is not possible", of.Kind())
	}
}

// make pays for a string of n bytes that is about to be made.
func (b *budget) make(n int) error {
	if n > maxText {
		return refusalf("a text of %d bytes is too long, at most %d are possible", n, maxText)
	}
	if b.made += n; b.made > maxMade {
		return refusalf("the template makes too much text: more than %d bytes", maxMade)
	}
	return nil
}

// limitedBuffer refuses to hold more than maxBody bytes.
type limitedBuffer struct{ bytes.Buffer }

func (l *limitedBuffer) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxBody {
		return 0, refusalf("the template writes more than %d bytes", maxBody)
	}
	return l.Buffer.Write(p)
}

// refusal is an error of ours, in words for the template's author.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusalf(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// tidied takes what only Go programmers need off a message of text/template.
func tidied(err error) error {
	var ours refusal
	if errors.As(err, &ours) {
		return ours
	}
	text := err.Error()
	text = strings.TrimPrefix(text, "template: "+templateName+":")
	text = strings.Replace(text, `executing "`+templateName+`" `, "", 1)
	if text != err.Error() && text != "" && '0' <= text[0] && text[0] <= '9' {
		text = "line " + text
	}
	return errors.New(text)
}
