-- The span under which a job was accepted (W3C Trace Context); empty without tracing.
ALTER TABLE webhook_job ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
