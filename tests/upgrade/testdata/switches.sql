-- What an admin has set, and names that are stored with policies and jobs.
INSERT INTO system_switch (name, value) VALUES ('notification_kept_events', 'drop');
UPDATE cache_version SET version = version + 1 WHERE name = 'switches';
UPDATE webhook_policy SET named_by = 'second' WHERE name = 'two targets';
UPDATE webhook_policy SET named_by = 'first' WHERE named_by = '';
UPDATE webhook_job SET event_name = hook_type;
