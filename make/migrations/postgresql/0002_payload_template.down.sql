ALTER TABLE webhook_policy DROP COLUMN payload_template;
