package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/harborhook/harborhook/src/client"
)

// clock is how a line of a stream begins.
const clock = "15:04:05.000"

// narrowFlags are what a stream may be narrowed by.
type narrowFlags struct{ policy, event, repository string }

func (f *narrowFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.policy, "policy", "", "`id or name` of the policy")
	c.Flags().StringVar(&f.event, "event", "", "event `type`, for example PUSH_ARTIFACT")
	c.Flags().StringVar(&f.repository, "repository", "", "`name` of the repository, without the project")
}

func (p *program) tailCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tail", Short: "follow the deliveries of a project as they happen", Args: arguments(0, 0, ""),
		Long: `Prints a line for every delivery when it is created and whenever its status changes,
until it is interrupted. What happens while the connection is lost is told afterwards.`,
	}
	to := p.connect(c)
	var f narrowFlags
	f.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.follow(c.Context(), to, f, url.Values{}, func(_ context.Context, d client.Object[client.Delivery]) error {
			if to.json {
				line(p.stdout, d.JSON)
			} else {
				p.tellState(d.Value)
			}
			return nil
		})
	}
	return c
}

// tellState prints a state of a delivery.
func (p *program) tellState(d client.Delivery) {
	words := []string{
		d.UpdateTime.Local().Format(clock), fmt.Sprintf("%6d", d.ID), p.show(statusCell(d.Status), 9), p.show(cell{text: d.EventType}, 15),
		plain(artifact(d)), "→", plain(d.Target),
	}
	if d.HTTPStatus > 0 {
		words = append(words, fmt.Sprintf("%d", d.HTTPStatus))
	}
	if d.StatusMessage != "" {
		words = append(words, "("+plain(d.StatusMessage)+")")
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
}

// follow opens the stream of a project and follows it until ctx ends. How the
// connection is goes to the standard error.
func (p *program) follow(ctx context.Context, to *connection, f narrowFlags, query url.Values, told func(context.Context, client.Object[client.Delivery]) error) error {
	api, err := to.open()
	if err != nil {
		return err
	}
	narrow := filterFlags{policy: f.policy, event: f.event, repository: f.repository}
	narrowed, err := narrow.query(ctx, api, to.project)
	if err != nil {
		return err
	}
	for name, values := range query {
		narrowed[name] = values
	}
	follower := &client.Follower{
		Client: api, Project: to.project, Query: narrowed, Told: told,
		Listening: func() {
			fmt.Fprintf(p.stderr, "harborhook: listening to project %s at %s\n", plain(to.project), to.server)
		},
		Lost: func(why error, wait time.Duration) {
			fmt.Fprintf(p.stderr, "harborhook: %s; again in %s\n", plain(why.Error()), wait)
		},
	}
	return follower.Run(ctx)
}
