package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"
)

// The rare word is in so many deliveries, wherever there are that many.
const (
	rareWord   = "zanzibar-canary"
	rareTimes  = 20
	commonWord = "library/team"
	missing    = "no-such-word-anywhere"
)

// span is how long ago the oldest delivery was created.
const span = 30 * 24 * time.Hour

// generator makes rows as a busy installation would have them: the same numbers
// give the same rows.
type generator struct {
	random  *rand.Rand
	project int64
	policy  int64
	total   int
	now     time.Time
	digests []string
}

func newGenerator(project, policy int64, total int, now time.Time) *generator {
	g := &generator{random: rand.New(rand.NewPCG(1, 2)), project: project, policy: policy, total: total, now: now}
	for i := range 5000 {
		sum := sha256.Sum256(fmt.Append(nil, i))
		g.digests = append(g.digests, hex.EncodeToString(sum[:]))
	}
	return g
}

// jobColumns and attemptColumns are what the rows are made of, in order.
var (
	jobColumns = []string{
		"job_uuid", "job_key", "project_id", "policy_id", "policy_name", "target_position", "event_id", "hook_type", "notify_type", "target",
		"origin", "payload_format", "content_type", "job_detail", "repository", "tag", "digest", "status", "attempts", "http_status", "next_at",
		"creation_time", "update_time", "id",
	}
	attemptColumns = []string{
		"job_id", "number", "started_at", "duration", "result", "error", "remote_addr", "request_url", "request_headers", "response_status",
		"response_headers", "response_body", "response_truncated",
	}
)

func (g *generator) pick(of ...string) string { return of[g.random.IntN(len(of))] }

// delivery returns the i-th delivery and its two attempts.
func (g *generator) delivery(i int) (job []any, attempts [][]any) {
	id := int64(i + 1)
	at := g.now.Add(-span).Add(time.Duration(float64(span) * float64(i) / float64(g.total))).UnixMicro()
	team, service := g.random.IntN(20), g.pick("api", "web", "worker", "gateway", "billing", "search", "mail", "auth", "cron", "proxy")
	repository := fmt.Sprintf("team%d/%s", team, service)
	tag := fmt.Sprintf("v%d.%d.%d", 1+g.random.IntN(3), g.random.IntN(20), g.random.IntN(10))
	if g.random.IntN(4) == 0 {
		tag = "latest"
	}
	digest, image := g.digests[g.random.IntN(len(g.digests))], g.digests[g.random.IntN(len(g.digests))]
	hookType := g.pick("pushImage", "pushImage", "pullImage", "deleteImage", "pushArtifact", "uploadChart")
	event := g.uuid()
	operator := fmt.Sprintf("ci-%s-%d", service, g.random.IntN(50))
	if g.total < rareTimes || i%(g.total/rareTimes) == g.total/rareTimes-1 {
		operator = rareWord
	}
	body := fmt.Sprintf(`{"event_type":%q,"events":[{"project":"library","repo_name":%q,"tag":%q,"full_name":"library/%s","trigger_time":%d,`+
		`"image_id":%q,"project_type":"Private","digest":"sha256:%s","resource_url":"registry.example.com/library/%s@sha256:%s","operator":%q,"event_id":%q}]}`,
		hookType, repository, tag, repository, at/1000, image, digest, repository, digest, operator, event)
	host := fmt.Sprintf("https://ci%d.example.com", g.random.IntN(40))
	target := host + "/hooks/" + service + "?token=********"
	status, code, result, answer := "finished", 200, "ok", fmt.Sprintf(`{"queued":true,"build":"https://ci.example.com/job/%s/%d"}`, service, g.random.IntN(100000))
	switch n := g.random.IntN(100); {
	case n < 3:
		status, code, result, answer = "error", 502, "http_error", "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
	case n < 4:
		status, code, result, answer = "error", 0, "connect_failed", ""
	case n < 5:
		status = "stopped"
	}
	job = []any{
		g.uuid(), fmt.Sprintf("%011x/%s/1/0", at/1000, event), g.project, g.policy, "ci", 0, event, hookType, "http", target, host, "Events", "application/json", body,
		repository, tag, "sha256:" + digest, status, 2, code, at, at, at + 300_000, id,
	}
	headers := fmt.Sprintf(`{"Content-Type":["application/json"],"User-Agent":["harborhook/1.0"],"X-Harbor-Delivery":["%s"],"Authorization":["********"]}`, g.uuid())
	attempts = [][]any{
		{
			id, 1, at, 5_000_000, g.pick("timeout", "reset", "connect_failed"), g.pick("the receiver did not answer within 10s", "connection reset by peer", "connection refused"),
			"203.0.113.7:443", target, headers, 0, "{}", "", false,
		},
		{id, 2, at + 30_000_000, 100_000 + g.random.IntN(100_000), result, "", "203.0.113.7:443", target, headers, code, `{"Content-Type":["application/json"],"Server":["nginx"]}`, answer, false},
	}
	return job, attempts
}

func (g *generator) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", g.random.Uint32(), g.random.Uint32()&0xffff, g.random.Uint32()&0xfff, g.random.Uint32()&0xfff, g.random.Uint64()&0xffffffffffff)
}
