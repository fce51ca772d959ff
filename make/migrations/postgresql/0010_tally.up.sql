-- How many jobs that are over were created in each hour and in each day, and how they
-- ended, so that a summary of many does not read them (docs/decisions/021-tallies-by-the-hour.md).
CREATE TABLE webhook_tally (
    project_id bigint  NOT NULL,
    hours      integer NOT NULL, -- 1, or 24 for a day
    hour       bigint  NOT NULL, -- of the creation, since 1970; the first of a day
    policy_id  bigint  NOT NULL,
    hook_type  text    NOT NULL,
    bucket     integer NOT NULL, -- how they ended: not delivered, or how long the last attempt took
    jobs       bigint  NOT NULL,
    PRIMARY KEY (project_id, hours, hour, policy_id, hook_type, bucket)
);

-- Jobs up to this id are counted, or in webhook_tally_later.
CREATE TABLE webhook_tally_mark (
    job_id bigint NOT NULL
);
INSERT INTO webhook_tally_mark (job_id) VALUES (0);

-- Jobs that were not over when the mark passed them.
CREATE TABLE webhook_tally_later (
    job_id     bigint PRIMARY KEY, -- webhook_job (id)
    project_id bigint NOT NULL
);
CREATE INDEX webhook_tally_later_project ON webhook_tally_later (project_id, job_id);
