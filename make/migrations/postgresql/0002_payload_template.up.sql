-- The template of the first target's body, for payload_format Custom; those of
-- other targets stand in more_targets.
ALTER TABLE webhook_policy ADD COLUMN payload_template text NOT NULL DEFAULT '';
