package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/client"
)

func (p *program) policyCommand() *cobra.Command {
	return group("policy", "list, create and test the policies of a project", p.policyList(), p.policyCreate(), p.policyTest())
}

func (p *program) policyList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list the policies of a project", Args: arguments(0, 0, "")}
	to := p.connect(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		api, err := to.open()
		if err != nil {
			return err
		}
		all, err := api.Policies(c.Context(), to.project)
		if err != nil {
			return err
		}
		p.showPolicies(to, all)
		return nil
	}
	return c
}

func (p *program) showPolicies(to *connection, all []client.Object[client.Policy]) {
	rows := make([][]cell, len(all))
	for i, one := range all {
		if to.json {
			line(p.stdout, one.JSON)
			continue
		}
		v := one.Value
		enabled := cell{"enabled", green}
		if !v.Enabled {
			enabled = cell{"disabled", yellow}
		}
		targets := make([]string, len(v.Targets))
		for i, t := range v.Targets {
			targets[i] = t.Address
		}
		rows[i] = []cell{
			plainCell("%d", v.ID),
			{text: v.Name},
			enabled,
			{text: strings.Join(v.EventTypes, ",")},
			{text: strings.Join(targets, " ")},
			{text: ago(v.UpdateTime, time.Now())},
		}
	}
	if !to.json {
		p.table([]string{"ID", "NAME", "STATE", "EVENTS", "TARGET", "CHANGED"}, rows)
	}
}

// policyFlags are what a policy is made of.
type policyFlags struct {
	file, name, description, target, format, secretFile string
	events, repositories, tags                          []string
	disabled, skipVerify                                bool
}

func (p *program) policyCreate() *cobra.Command {
	c := &cobra.Command{
		Use: "create", Short: "create a policy", Args: arguments(0, 0, ""),
		Long: `Creates a policy from flags, or from a file that holds what the API takes as JSON.`,
		Example: `  harborhook policy create --project library --name ci --event PUSH_ARTIFACT --target https://ci.example.com/hook
  harborhook policy create --project library --file policy.json`,
	}
	to := p.connect(c)
	var f policyFlags
	flags := c.Flags()
	flags.StringVar(&f.file, "file", "", "JSON `file` of the policy; - is standard input")
	flags.StringVar(&f.name, "name", "", "`name` of the policy")
	flags.StringVar(&f.description, "description", "", "`text` about the policy")
	flags.StringVar(&f.target, "target", "", "`URL` to send to")
	flags.StringSliceVar(&f.events, "event", nil, "event `type` to tell of, for example PUSH_ARTIFACT; may be repeated")
	flags.StringVar(&f.format, "format", "", "payload `format`: Default, CloudEvents, HarborV1, Events or Slack")
	flags.StringArrayVar(&f.repositories, "repository", nil, "regular `expression` of repositories; may be repeated")
	flags.StringArrayVar(&f.tags, "tag", nil, "regular `expression` of tags; may be repeated")
	flags.StringVar(&f.secretFile, "secret-file", "", "`file` of the secret that signs; - is standard input")
	flags.BoolVar(&f.disabled, "disabled", false, "create it disabled")
	flags.BoolVar(&f.skipVerify, "skip-cert-verify", false, "take any certificate of the target")
	c.RunE = func(c *cobra.Command, _ []string) error {
		body, err := f.body(to)
		if err != nil {
			return err
		}
		api, err := to.open()
		if err != nil {
			return err
		}
		created, err := api.CreatePolicy(c.Context(), to.project, body)
		if err != nil {
			return err
		}
		p.showPolicies(to, []client.Object[client.Policy]{created})
		return nil
	}
	return c
}

// body returns the policy as the API takes it.
func (f *policyFlags) body(to *connection) (any, error) {
	if f.file != "" && (f.name != "" || f.target != "" || len(f.events) > 0) {
		return nil, wrongUse("give either --file or the policy's flags")
	}
	if f.file != "" {
		text, err := to.readFile(f.file)
		if err != nil {
			return nil, wrongUse("read the policy: %w", err)
		}
		if !json.Valid([]byte(text)) {
			return nil, wrongUse("%s is not JSON", f.file)
		}
		return json.RawMessage(text), nil
	}
	switch {
	case f.name == "":
		return nil, wrongUse("--name is missing")
	case f.target == "":
		return nil, wrongUse("--target is missing")
	case len(f.events) == 0:
		return nil, wrongUse("--event is missing")
	}
	target := client.Target{Type: "http", Address: f.target, SkipCertVerify: f.skipVerify, PayloadFormat: f.format}
	if f.format == "Slack" {
		target.Type, target.PayloadFormat = "slack", ""
	}
	body := map[string]any{
		"name": f.name, "description": f.description, "enabled": !f.disabled, "event_types": f.events, "targets": []client.Target{target},
	}
	if filters := f.filters(); len(filters) > 0 {
		body["filters"] = filters
	}
	if f.secretFile != "" {
		secret, err := to.readFile(f.secretFile)
		if err != nil {
			return nil, wrongUse("read the secret: %w", err)
		}
		body["secret"] = secret
	}
	return body, nil
}

func (f *policyFlags) filters() []client.Filter {
	var filters []client.Filter
	for _, r := range f.repositories {
		filters = append(filters, client.Filter{Kind: "repository", Value: r})
	}
	for _, t := range f.tags {
		filters = append(filters, client.Filter{Kind: "tag", Value: t})
	}
	return filters
}

func (p *program) policyTest() *cobra.Command {
	c := &cobra.Command{
		Use: "test ID|NAME", Short: "send a sample to a policy's target", Args: arguments(1, 1, "the policy's id or name"),
		Long: `Has the server send a sample event to the first target of a policy, and shows what
it answers. The exit code is 1 if the target does not answer with success.`,
	}
	to := p.connect(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		api, err := to.open()
		if err != nil {
			return err
		}
		id, err := policyID(c.Context(), api, to.project, args[0])
		if err != nil {
			return err
		}
		trial, err := api.TestPolicy(c.Context(), to.project, id)
		if err != nil {
			return err
		}
		return p.showTrial(to, trial)
	}
	return c
}

func (p *program) showTrial(to *connection, trial client.Object[client.Trial]) error {
	v := trial.Value
	took := milliseconds(time.Duration(v.DurationMS) * time.Millisecond)
	if to.json {
		line(p.stdout, trial.JSON)
	} else if v.Status > 0 {
		fmt.Fprintf(p.stdout, "%s: the target answered %d in %s\n", plain(v.Result), v.Status, took)
	} else {
		fmt.Fprintf(p.stdout, "%s: the target did not answer, after %s\n", plain(v.Result), took)
	}
	if !to.json && v.Body != "" {
		fmt.Fprintln(p.stdout, plainLines(v.Body))
	}
	if v.Result != "ok" {
		return fmt.Errorf("the test failed: %s", v.Result)
	}
	return nil
}

// policyID returns the id of the policy that text names: by its name, or else by its id.
func policyID(ctx context.Context, api *client.Client, project, text string) (int64, error) {
	all, err := api.Policies(ctx, project)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		if one.Value.Name == text {
			return one.Value.ID, nil
		}
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fmt.Errorf("project %s has no policy %q", project, text)
	}
	return id, nil
}
