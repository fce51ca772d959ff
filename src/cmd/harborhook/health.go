package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/harborhook/harborhook/src/config"
)

// healthLimit bounds how long a process may take to say that it is ready.
const healthLimit = 4 * time.Second

// runHealth asks the process that runs with this configuration whether it is
// ready. It is for containers, whose image has nothing else to ask with.
func (p *program) runHealth(ctx context.Context, c command, args []string) int {
	in := config.Input{Shape: config.Core, Environ: p.environ}
	flags := p.flagSet(c, &in)
	flags.Func("shape", "`shape` of the process: standalone, core or jobservice (default core)", func(text string) error {
		in.Shape = config.Shape(text)
		if in.Shape != config.Standalone && in.Shape != config.Core && in.Shape != config.JobService {
			return errors.New("standalone, core or jobservice")
		}
		return nil
	})
	address := flags.String("url", "", "`URL` to ask instead of /readyz at the configured address")
	if code, ok := p.parse(c, flags, args); !ok {
		return code
	}
	if *address == "" {
		cfg, warnings, err := config.Load(in)
		p.warn(warnings)
		if err != nil {
			fmt.Fprintf(p.stderr, "harborhook: the configuration cannot be read:\n%s", indent(err))
			return exitUsage
		}
		*address = readyURL(in.Shape, cfg)
	} else if u, err := url.Parse(*address); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		fmt.Fprintf(p.stderr, "harborhook health: %q is not an HTTP URL\n", *address)
		return exitUsage
	}
	if err := askHealth(ctx, *address); err != nil {
		return p.failed(err)
	}
	fmt.Fprintln(p.stdout, "ready")
	return exitOK
}

// readyURL is where a process of the shape says whether it is ready, from the
// machine that it runs on.
func readyURL(shape config.Shape, cfg config.Config) string {
	addr := cfg.CoreAddr
	if shape == config.JobService {
		addr = cfg.JobServiceAddr
	}
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			addr = net.JoinHostPort("localhost", port)
		}
	}
	return "http://" + addr + "/readyz"
}

func askHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // and no proxy: the process is ours
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask for the health: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // nothing is written
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	why, err := io.ReadAll(io.LimitReader(resp.Body, 512))
	return errors.Join(fmt.Errorf("%s answers %s: %s", address, resp.Status, why), err)
}
