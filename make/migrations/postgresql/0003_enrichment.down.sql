DROP TABLE registry_source;
ALTER TABLE memory_tag DROP COLUMN recovered_at;
DROP INDEX webhook_event_incomplete;
ALTER TABLE webhook_event DROP COLUMN complete_at;
