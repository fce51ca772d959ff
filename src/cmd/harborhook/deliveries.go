package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/client"
)

func (p *program) deliveriesCommand() *cobra.Command {
	return group("deliveries", "list, show and redeliver deliveries", p.deliveriesList(), p.deliveriesShow(), p.deliveriesRedeliver())
}

// filterFlags are what deliveries may be asked for by.
type filterFlags struct {
	policy, event, repository, tag, digest, since, until, text string
	statuses                                                   []string
	httpStatus                                                 int
}

func (f *filterFlags) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.policy, "policy", "", "`id or name` of the policy")
	flags.StringSliceVar(&f.statuses, "status", nil, "`status`: pending, running, scheduled, success, error or stopped; may be repeated")
	flags.StringVar(&f.event, "event", "", "event `type`, for example PUSH_ARTIFACT")
	flags.StringVar(&f.repository, "repository", "", "`name` of the repository, without the project")
	flags.StringVar(&f.tag, "tag", "", "`tag` of the image")
	flags.StringVar(&f.digest, "digest", "", "`digest` of the image")
	flags.IntVar(&f.httpStatus, "http-status", 0, "`number` that the last attempt was answered with")
	flags.StringVar(&f.since, "since", "", "created at this `time` or later: RFC 3339, or as long ago as 90m or 24h")
	flags.StringVar(&f.until, "until", "", "created before this `time`")
	flags.StringVar(&f.text, "text", "", "`text` in what was sent, answered or went wrong")
	complete(c, "status", "pending", "running", "scheduled", "success", "error", "stopped")
}

// complete names the values of a flag to the shells.
func complete(c *cobra.Command, flag string, values ...string) {
	// It fails for a flag that is not there, or completed twice: as help would show.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// query returns the filter as the API takes it.
func (f *filterFlags) query(ctx context.Context, api *client.Client, project string) (url.Values, error) {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("hook_type", f.event)
	set("repository", f.repository)
	set("tag", f.tag)
	set("digest", f.digest)
	set("text", f.text)
	for name, text := range map[string]string{"since": f.since, "until": f.until} {
		at, err := moment(text)
		if err != nil {
			return nil, wrongUse("--%s must be a time such as 2026-11-24T08:00:00Z, or how long ago, such as 24h", name)
		}
		set(name, at)
	}
	if f.httpStatus != 0 {
		set("http_status", strconv.Itoa(f.httpStatus))
	}
	for _, s := range f.statuses {
		q.Add("status", statusName(s))
	}
	if f.policy != "" {
		id, err := policyID(ctx, api, project, f.policy)
		if err != nil {
			return nil, err
		}
		set("policy_id", strconv.FormatInt(id, 10))
	}
	return q, nil
}

// moment returns a time that is given as one, or as how long ago it was.
func moment(text string) (string, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return time.Now().Add(-d).UTC().Format(time.RFC3339), nil
	}
	if text == "" {
		return "", nil
	}
	_, err := time.Parse(time.RFC3339, text)
	return text, err
}

// statusName returns Harbor 2's name of a status.
func statusName(text string) string {
	if strings.EqualFold(text, "finished") {
		return "Success"
	}
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.ToLower(text[1:])
}

func (p *program) deliveriesList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list the newest deliveries of a project", Args: arguments(0, 0, ""),
		Long: `Lists deliveries, newest first. Without --policy, those of the policies that the
project has; with the id of a policy that is gone, those that it has left.`,
	}
	to := p.connect(c)
	var f filterFlags
	f.flags(c)
	most := c.Flags().Int("limit", 20, "`number` of deliveries at most")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *most < 1 {
			return wrongUse("--limit must be 1 or more")
		}
		api, err := to.open()
		if err != nil {
			return err
		}
		query, err := f.query(c.Context(), api, to.project)
		if err != nil {
			return err
		}
		all, err := api.Deliveries(c.Context(), to.project, query, *most)
		if err != nil {
			return err
		}
		p.showDeliveries(to, all)
		return nil
	}
	return c
}

func (p *program) showDeliveries(to *connection, all []client.Object[client.Delivery]) {
	rows := make([][]cell, len(all))
	for i, d := range all {
		if to.json {
			line(p.stdout, d.JSON)
			continue
		}
		v := d.Value
		rows[i] = []cell{
			plainCell("%d", v.ID), statusCell(v.Status),
			{text: v.EventType},
			{text: artifact(v)},
			{text: v.PolicyName},
			{text: httpStatus(v.HTTPStatus)},
			plainCell("%d", v.Attempts),
			{text: ago(v.CreationTime, time.Now())},
		}
	}
	if !to.json {
		p.table([]string{"ID", "STATUS", "EVENT", "ARTIFACT", "POLICY", "HTTP", "TRIES", "CREATED"}, rows)
	}
}

// artifact names what a delivery is about.
func artifact(d client.Delivery) string {
	switch {
	case d.Tag != "":
		return d.Repository + ":" + d.Tag
	case d.Digest != "":
		return d.Repository + "@" + d.Digest[:min(len(d.Digest), 19)]
	default:
		return d.Repository
	}
}

func httpStatus(status int) string {
	if status == 0 {
		return "-"
	}
	return strconv.Itoa(status)
}

func jobID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, wrongUse("%q is no id of a delivery", text)
	}
	return id, nil
}

func (p *program) deliveriesShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "show a delivery, with every request and response", Args: arguments(1, 1, "the delivery's id"),
		Long: `Shows a delivery and its attempts. With --json, the delivery and each attempt are a
line of their own.`,
	}
	to := p.connect(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := jobID(args[0])
		if err != nil {
			return err
		}
		api, err := to.open()
		if err != nil {
			return err
		}
		d, err := api.Delivery(c.Context(), to.project, id)
		if err != nil {
			return err
		}
		if !to.json {
			log, err := api.Log(c.Context(), to.project, id)
			if err != nil {
				return err
			}
			p.showDelivery(d.Value)
			fmt.Fprintf(p.stdout, "\n%s\n", strings.TrimRight(plainLines(log), "\n"))
			return nil
		}
		attempts, err := api.Attempts(c.Context(), to.project, id)
		if err != nil {
			return err
		}
		line(p.stdout, d.JSON)
		for _, a := range attempts {
			line(p.stdout, a)
		}
		return nil
	}
	return c
}

func (p *program) showDelivery(d client.Delivery) {
	now := time.Now()
	show := func(name string, c cell) {
		if c.text != "" {
			fmt.Fprintf(p.stdout, "%-10s %s\n", name, p.show(c, 0))
		}
	}
	show("Delivery", plainCell("%d (%s)", d.ID, d.UUID))
	show("Status", statusCell(d.Status))
	show("Reason", cell{text: d.StatusMessage})
	show("Event", cell{text: d.EventType})
	show("Artifact", cell{text: artifact(d)})
	show("Policy", plainCell("%s (%d)", d.PolicyName, d.PolicyID))
	show("Target", cell{text: d.Target})
	show("Created", cell{text: ago(d.CreationTime, now)})
	if d.NextAt != nil {
		show("Next try", cell{text: ago(*d.NextAt, now)})
	}
	if d.RedeliveryOf > 0 {
		show("Repeats", plainCell("%d", d.RedeliveryOf))
	}
}

func (p *program) deliveriesRedeliver() *cobra.Command {
	c := &cobra.Command{
		Use: "redeliver ID... | redeliver --status STATUS [filter]", Short: "deliver once more", Args: arguments(0, 1000, "the delivery's id"),
		Long: `Delivers once more: the deliveries with these ids, or all that fit the filter. With
--dry-run, a filter only counts them. More than a thousand are worked off by the server
in the background.`,
		Example: `  harborhook deliveries redeliver --project library 4711
  harborhook deliveries redeliver --project library --status error --since 24h --dry-run`,
	}
	to := p.connect(c)
	var f filterFlags
	f.flags(c)
	dryRun := c.Flags().Bool("dry-run", false, "only count what fits the filter")
	c.RunE = func(c *cobra.Command, args []string) error {
		ids := make([]int64, len(args))
		for i, text := range args {
			var err error
			if ids[i], err = jobID(text); err != nil {
				return err
			}
		}
		api, err := to.open()
		if err != nil {
			return err
		}
		query, err := f.query(c.Context(), api, to.project)
		switch {
		case err != nil:
			return err
		case len(ids) == 0 && len(query) == 0:
			return wrongUse("which deliveries? Give ids or a filter, for example --status error")
		case len(ids) > 0 && (len(query) > 0 || *dryRun):
			return wrongUse("give either ids or a filter")
		case len(ids) > 0:
			return p.redeliver(c.Context(), to, api, ids)
		}
		return p.redeliverAll(c.Context(), to, api, query, *dryRun)
	}
	return c
}

func (p *program) redeliver(ctx context.Context, to *connection, api *client.Client, ids []int64) error {
	for _, id := range ids {
		again, err := api.Redeliver(ctx, to.project, id)
		if err != nil {
			return fmt.Errorf("delivery %d: %w", id, err)
		}
		if to.json {
			line(p.stdout, again.JSON)
		} else {
			fmt.Fprintf(p.stdout, "delivery %d is repeated by %d\n", id, again.Value.ID)
		}
	}
	return nil
}

func (p *program) redeliverAll(ctx context.Context, to *connection, api *client.Client, query url.Values, dryRun bool) error {
	done, err := api.RedeliverAll(ctx, to.project, redelivery(query, dryRun))
	if err != nil {
		return err
	}
	if to.json {
		line(p.stdout, done.JSON)
		return nil
	}
	sayRedelivered(p.stdout, done.Value, dryRun)
	return nil
}

// redelivery returns the body that is the same filter as a query.
func redelivery(query url.Values, dryRun bool) map[string]any {
	body := map[string]any{"dry_run": dryRun}
	for name, values := range query {
		switch name {
		case "status":
			body[name] = values
		case "policy_id", "http_status":
			number, _ := strconv.ParseInt(values[0], 10, 64) // we wrote it
			body[name] = number
		default:
			body[name] = values[0]
		}
	}
	return body
}

func sayRedelivered(w io.Writer, done client.Redelivered, dryRun bool) {
	switch {
	case dryRun:
		fmt.Fprintf(w, "%d deliveries would be repeated\n", done.Count)
	case done.Status != "":
		fmt.Fprintf(w, "%d deliveries are being repeated in the background, as bulk %d\n", done.Total, done.ID)
	default:
		fmt.Fprintf(w, "%d deliveries are repeated, %d cannot be now\n", done.Count, done.Skipped)
	}
}
