ALTER TABLE webhook_job DROP COLUMN traceparent;
