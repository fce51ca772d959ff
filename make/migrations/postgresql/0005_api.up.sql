-- When an event type of a policy was last triggered is asked for each of them.
CREATE INDEX webhook_job_trigger ON webhook_job (policy_id, hook_type, creation_time);
