package store

// statements are those that write many rows.
type statements struct {
	events, jobs, manifests, tags, heads, attempts, finish bulk
	// jobsOfFresh and attemptsOfOurs are parts of joined statements: they leave out
	// the jobs of events that were stored before, and the attempts of leases that
	// are over.
	jobsOfFresh, attemptsOfOurs bulk
}

func newStatements(d Dialect) statements {
	created := [2]string{"creation_time", d.Now}
	updated := [2]string{"update_time", d.Now}
	s := statements{
		events: insertInto("webhook_event", []Column{
			{"event_id", "text"},
			{"project_id", "bigint"},
			{"hook_type", "text"},
			{"repository", "text"},
			{"occurred_at", "bigint"},
			{"data", "text"},
			{"complete_at", "bigint"},
		}, [][2]string{created}, `ON CONFLICT (event_id) DO UPDATE
			SET hook_type = excluded.hook_type, data = excluded.data, complete_at = 0
			WHERE webhook_event.complete_at > 0 AND excluded.complete_at = 0`, `RETURNING event_id`),
		jobs: insertInto("webhook_job", []Column{
			{"job_uuid", "text"},
			{"job_key", "text"},
			{"project_id", "bigint"},
			{"policy_id", "bigint"},
			{"policy_name", "text"},
			{"target_position", "integer"},
			{"event_id", "text"},
			{"hook_type", "text"},
			{"notify_type", "text"},
			{"target", "text"},
			{"origin", "text"},
			{"payload_format", "text"},
			{"content_type", "text"},
			{"job_detail", "text"},
			{"repository", "text"},
			{"tag", "text"},
			{"digest", "text"},
			{"redelivery_of", "bigint"},
			{"status", "text"},
			{"status_message", "text"},
			{"event_name", "text"},
			{"traceparent", "text"},
		}, [][2]string{{"next_at", d.Now}, created, updated}, `ON CONFLICT (job_key) DO NOTHING`, `RETURNING id, job_key`),
		// What is told later without its details must not wipe out what was known.
		manifests: insertInto("memory_manifest", []Column{
			{"repository", "text"}, {"digest", "text"}, {"media_type", "text"}, {"kind", "text"}, {"config_digest", "text"}, {"platforms", "text"},
		}, [][2]string{updated}, `ON CONFLICT (repository, digest) DO UPDATE SET
			media_type = CASE WHEN excluded.media_type = '' THEN memory_manifest.media_type ELSE excluded.media_type END,
			kind = CASE WHEN excluded.kind = '' THEN memory_manifest.kind ELSE excluded.kind END,
			config_digest = CASE WHEN excluded.config_digest = '' THEN memory_manifest.config_digest ELSE excluded.config_digest END,
			platforms = CASE WHEN excluded.platforms = 'null' THEN memory_manifest.platforms ELSE excluded.platforms END,
			update_time = excluded.update_time`, ``),
		tags: insertInto("memory_tag", []Column{{"repository", "text"}, {"name", "text"}, {"digest", "text"}, {"deleted_by", "text"}, {"recovered_at", "bigint"}},
			[][2]string{updated}, `ON CONFLICT (repository, name) DO UPDATE
			SET digest = excluded.digest, deleted_by = excluded.deleted_by, recovered_at = excluded.recovered_at, update_time = excluded.update_time`, ``),
		heads: insertInto("memory_head", []Column{
			{"repository", "text"}, {"digest", "text"}, {"user_agent", "text"}, {"client", "text"}, {"tag", "text"}, {"at", "bigint"},
		}, nil, `ON CONFLICT (repository, digest, user_agent, client, tag) DO UPDATE SET at = excluded.at WHERE excluded.at > memory_head.at`, ``),
		attempts: insertInto("webhook_attempt", []Column{
			{"job_id", "bigint"},
			{"number", "integer"},
			{"started_at", "bigint"},
			{"duration", "bigint"},
			{"result", "text"},
			{"error", "text"},
			{"remote_addr", "text"},
			{"request_url", "text"},
			{"request_headers", "text"},
			{"response_status", "integer"},
			{"response_headers", "text"},
			{"response_body", "text"},
			{"response_truncated", "boolean"},
		}, nil, `ON CONFLICT (job_id, number) DO NOTHING`, ``),
		finish: bulk{
			before: `UPDATE webhook_job SET status = o.status, status_message = o.message, attempts = attempts + 1,
				http_status = o.answer, next_at = ` + d.Now + ` + o.retry_in, lease_token = '', update_time = ` + d.Now + `
			FROM (`,
			// Who holds the lease is running. To ask for the status as well would have
			// the planner go through all running jobs, by their index.
			after: `) AS o WHERE webhook_job.id = o.id AND webhook_job.lease_token = o.lease
			RETURNING webhook_job.id`,
			row: `UPDATE webhook_job SET status = ?3, status_message = ?4, attempts = attempts + 1,
				http_status = ?5, next_at = ` + d.Now + ` + ?6, lease_token = '', update_time = ` + d.Now + `
			WHERE id = ?1 AND lease_token = ?2`,
			columns: []Column{
				{"id", "bigint"}, {"lease", "text"}, {"status", "text"}, {"message", "text"}, {"answer", "integer"}, {"retry_in", "bigint"},
			},
		},
	}
	s.jobsOfFresh = s.jobs.where(`v.event_id IN (SELECT event_id FROM fresh)`)
	s.attemptsOfOurs = s.attempts.where(`v.job_id IN (SELECT id FROM ours)`)
	return s
}
