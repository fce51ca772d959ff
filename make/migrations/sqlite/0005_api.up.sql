-- When an event type of a policy was last triggered is asked for each of them.
CREATE INDEX webhook_job_trigger ON webhook_job (policy_id, hook_type, creation_time);

-- The secret before the last rotation (encrypted), which signs too until this time.
ALTER TABLE webhook_policy ADD COLUMN old_secret text NOT NULL DEFAULT '';
ALTER TABLE webhook_policy ADD COLUMN old_secret_until bigint NOT NULL DEFAULT 0;
