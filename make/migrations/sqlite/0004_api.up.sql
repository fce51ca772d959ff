-- When an event type of a policy was last triggered is asked for each of them.
CREATE INDEX webhook_job_trigger ON webhook_job (policy_id, hook_type, creation_time);

-- The secret before the last rotation (encrypted), which signs too until this time.
ALTER TABLE webhook_policy ADD COLUMN old_secret text NOT NULL DEFAULT '';
ALTER TABLE webhook_policy ADD COLUMN old_secret_until bigint NOT NULL DEFAULT 0;

-- What people did to the webhooks of a project.
CREATE TABLE webhook_audit (
    id         integer PRIMARY KEY AUTOINCREMENT,
    project_id bigint NOT NULL,
    at         bigint NOT NULL,
    actor      text   NOT NULL,
    action     text   NOT NULL,
    policy_id  bigint NOT NULL DEFAULT 0,
    job_id     bigint NOT NULL DEFAULT 0,
    detail     text   NOT NULL DEFAULT ''
);
CREATE INDEX webhook_audit_project ON webhook_audit (project_id, id);
