package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// user is the system admin that standalone creates, project the one it creates.
const (
	user    = "admin"
	project = "library"
)

// demo is one run. Each has a policy and a tag of its own, so that runs do not
// disturb one another.
type demo struct {
	core     *core
	registry string
	// passwordFrom is how a shell gets the password that core has.
	passwordFrom string
	wait         time.Duration
	out          io.Writer
}

// cleanup is how long removing the policy may take after an interrupt.
const cleanup = 5 * time.Second

func (d *demo) run(ctx context.Context) (err error) {
	if err := d.core.ready(ctx); err != nil {
		return err
	}
	if d.core.password == "" {
		return errors.New("the password of admin is not known: run this where \"make run\" runs, or set HARBORHOOK_ADMIN_PASSWORD")
	}
	receiver, err := startReceiver(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, receiver.close(context.WithoutCancel(ctx))) }()

	name := fmt.Sprintf("demo-%d", time.Now().UnixMilli())
	policy, err := d.core.createPolicy(ctx, name, receiver.url)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
		defer cancel()
		if deleted := d.core.deletePolicy(ctx, policy); deleted != nil {
			err = errors.Join(err, deleted)
			return
		}
		fmt.Fprintf(d.out, "\nPolicy %s is deleted again; its deliveries stay.\n", name)
	}()
	fmt.Fprintf(d.out, "Policy %s (id %s): pushImage in project %s goes to %s\n", name, policy, project, receiver.url)

	image := fmt.Sprintf("%s/%s/demo:%s", d.registry, project, strings.TrimPrefix(name, "demo-"))
	push, err := pushImage(ctx, image, d.core.password)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "Pushed %s\n", image)

	select {
	case got := <-receiver.arrived:
		d.show(got, push, policy)
		return nil
	case <-time.After(d.wait):
		return fmt.Errorf("no webhook arrived within %s; the log of deliveries may say why:\n  %s", d.wait, d.deliveries(policy))
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *demo) show(got delivery, push timing, policy string) {
	fmt.Fprintf(d.out, "\nThe webhook arrived %s after the manifest was sent, %s the push had ended:\n\n",
		milliseconds(got.at.Sub(push.manifest)), relative(got.at.Sub(push.end)))
	fmt.Fprintf(d.out, "%s %s %s\n", got.method, got.path, got.proto)
	names := make([]string, 0, len(got.header))
	for name := range got.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range got.header[name] {
			fmt.Fprintf(d.out, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(d.out, "\n%s\n\nIts entry in the log of deliveries:\n  %s\n", indented(got.body), d.deliveries(policy))
}

// deliveries is the shell command that lists the policy's deliveries.
func (d *demo) deliveries(policy string) string {
	return fmt.Sprintf(`curl -s -u "%s:%s" "%s/api/projects/%s/webhook/jobs?policy_id=%s"`, user, d.passwordFrom, d.core.url, project, policy)
}

func indented(body []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return string(body)
	}
	return b.String()
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// relative tells a moment by its distance after another; before it when negative.
func relative(d time.Duration) string {
	if d < 0 {
		return milliseconds(-d) + " before"
	}
	return milliseconds(d) + " after"
}
