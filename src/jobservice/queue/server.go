package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// server is the Redis to connect to: the one that a URL names, or the one that
// sentinels say is the master now.
//
//	redis://user:password@host:6379/0
//	redis+sentinel://user:password@host:26379,host:26379/master/0?sentinel_password=…
//
// With rediss every connection, those to sentinels included, uses TLS.
type server struct {
	// url is that of the Redis; with sentinels its host is found out.
	url url.URL
	// master is the name under which the sentinels watch it; empty if there are none.
	master                         string
	sentinelUser, sentinelPassword string
	mu                             sync.Mutex
	sentinels                      []string // the one that answered last is the first
}

// errURL does not quote the URL, which may hold a password.
var errURL = errors.New("the redis URL must look like redis://host:6379/0 or redis+sentinel://host:26379,host:26379/master/0")

// parseServer reads a URL.
func parseServer(text string) (*server, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	kind, sentinel := strings.CutSuffix(scheme, "+sentinel")
	if kind != "redis" && kind != "rediss" {
		return nil, errURL
	}
	if !sentinel {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return nil, errURL
		}
		return &server{url: *u}, nil
	}
	// A URL has one host: that of sentinels is taken out before the rest is read.
	authority, path, _ := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@") + 1
	u, err := url.Parse(kind + "://" + authority[:at] + "sentinel/" + path)
	if err != nil {
		return nil, errURL
	}
	s := &server{url: url.URL{Scheme: kind, User: u.User}}
	var database string
	s.master, database, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	s.url.Path = "/" + database
	s.sentinelUser, s.sentinelPassword = u.Query().Get("sentinel_username"), u.Query().Get("sentinel_password")
	for address := range strings.SplitSeq(authority[at:], ",") {
		one, err := url.Parse(kind + "://" + address)
		if err != nil || one.Hostname() == "" {
			return nil, errURL
		}
		s.sentinels = append(s.sentinels, net.JoinHostPort(one.Hostname(), cmp.Or(one.Port(), "26379")))
	}
	if s.master == "" {
		return nil, errURL
	}
	return s, nil
}

// dial connects to the Redis, or to the one that is the master now. Sentinels close the
// connections to one that is not any more.
func (s *server) dial(ctx context.Context, read time.Duration) (redis.Conn, error) {
	u := s.url
	if s.master != "" {
		address, err := s.masterAddress(ctx)
		if err != nil {
			return nil, err
		}
		u.Host = address
	}
	conn, err := redis.DialURLContext(ctx, u.String(),
		redis.DialConnectTimeout(connectTimeout), redis.DialReadTimeout(read), redis.DialWriteTimeout(answerTimeout))
	if err != nil || s.master == "" {
		return conn, err
	}
	// What a sentinel says may be older than the last failover.
	role, err := redis.Values(redis.DoContext(conn, ctx, "ROLE"))
	if err == nil && (len(role) == 0 || fmt.Sprintf("%s", role[0]) != "master") {
		err = fmt.Errorf("%s is not the master any more", u.Host)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// masterAddress asks one sentinel after the other.
func (s *server) masterAddress(ctx context.Context) (string, error) {
	s.mu.Lock()
	sentinels := slices.Clone(s.sentinels)
	s.mu.Unlock()
	var errs []error
	for i, sentinel := range sentinels {
		address, err := s.ask(ctx, sentinel)
		if err != nil {
			errs = append(errs, fmt.Errorf("sentinel %s: %w", sentinel, err))
			continue
		}
		if i > 0 {
			s.prefer(sentinel)
		}
		return address, nil
	}
	return "", errors.Join(errs...)
}

// prefer has a sentinel asked first.
func (s *server) prefer(sentinel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sentinels = slices.DeleteFunc(s.sentinels, func(one string) bool { return one == sentinel })
	s.sentinels = slices.Insert(s.sentinels, 0, sentinel)
}

func (s *server) ask(ctx context.Context, sentinel string) (address string, err error) {
	options := []redis.DialOption{
		redis.DialConnectTimeout(connectTimeout), redis.DialReadTimeout(connectTimeout), redis.DialWriteTimeout(connectTimeout),
		redis.DialUseTLS(s.url.Scheme == "rediss"), redis.DialUsername(s.sentinelUser), redis.DialPassword(s.sentinelPassword),
	}
	conn, err := redis.DialContext(ctx, "tcp", sentinel, options...)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // it has answered or is broken
	found, err := redis.Strings(redis.DoContext(conn, ctx, "SENTINEL", "get-master-addr-by-name", s.master))
	if errors.Is(err, redis.ErrNil) || err == nil && len(found) != 2 {
		return "", fmt.Errorf("knows no master %q", s.master)
	}
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(found[0], found[1]), nil
}
