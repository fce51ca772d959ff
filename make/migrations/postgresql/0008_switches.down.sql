ALTER TABLE webhook_job DROP COLUMN event_name;
ALTER TABLE webhook_policy DROP COLUMN named_by;
DELETE FROM cache_version WHERE name = 'switches';
DROP TABLE system_switch;
