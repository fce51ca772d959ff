-- What system admins have set for the whole system, by name; what is not there has
-- its default.
CREATE TABLE system_switch (
    name  text PRIMARY KEY,
    value text NOT NULL
);
-- Grows with every change of a switch and with every circuit that is closed by hand.
INSERT INTO cache_version (name, version) VALUES ('switches', 1);

-- Whose names the event types of a policy were last written in: first or second.
-- Until now receivers of Default were told Harbor 2's.
ALTER TABLE webhook_policy ADD COLUMN named_by text NOT NULL DEFAULT '';
UPDATE webhook_policy SET named_by = CASE WHEN payload_format = 'Default' THEN 'second' ELSE 'first' END;
-- The name of the job's event type that its receiver is told; empty in older rows.
ALTER TABLE webhook_job ADD COLUMN event_name text NOT NULL DEFAULT '';
