DROP TABLE webhook_audit;
ALTER TABLE webhook_policy DROP COLUMN old_secret_until;
ALTER TABLE webhook_policy DROP COLUMN old_secret;
DROP INDEX webhook_job_trigger;
