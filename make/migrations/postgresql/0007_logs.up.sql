-- Lists of deliveries are narrowed by one of these; ids come in order behind them.
CREATE INDEX webhook_job_status ON webhook_job (project_id, status, id);
CREATE INDEX webhook_job_repository ON webhook_job (project_id, repository, id);
CREATE INDEX webhook_job_tag ON webhook_job (project_id, tag, id);
-- A list by time reads the times from the index.
DROP INDEX webhook_job_project;
CREATE INDEX webhook_job_project ON webhook_job (project_id, id, creation_time);

-- What is searched by text: blocks of jobs that are over, each with every three
-- characters that stand in a row in its jobs and their attempts
-- (docs/decisions/011-paging-and-search.md).
CREATE TABLE webhook_search (
    id         bigserial PRIMARY KEY,
    project_id bigint    NOT NULL,
    first_job  bigint    NOT NULL, -- webhook_job (id)
    last_job   bigint    NOT NULL,
    jobs       text      NOT NULL, -- ids, with commas between them
    grams      integer[] NOT NULL
);
CREATE INDEX webhook_search_grams ON webhook_search USING gin (grams);
CREATE INDEX webhook_search_last ON webhook_search (last_job);

-- Jobs up to this id are in a block, or in webhook_search_later.
CREATE TABLE webhook_search_mark (
    job_id bigint NOT NULL
);
INSERT INTO webhook_search_mark (job_id) VALUES (0);

-- Jobs that were not over when the mark passed them.
CREATE TABLE webhook_search_later (
    job_id     bigint PRIMARY KEY, -- webhook_job (id)
    project_id bigint NOT NULL
);

-- Redeliveries of many jobs, worked off step by step.
CREATE TABLE webhook_bulk (
    id            bigserial PRIMARY KEY,
    project_id    bigint  NOT NULL,
    filter        text    NOT NULL, -- JSON
    status        text    NOT NULL,
    total         integer NOT NULL,
    done          integer NOT NULL DEFAULT 0,
    failed        integer NOT NULL DEFAULT 0,
    after_job     bigint  NOT NULL DEFAULT 0, -- jobs up to this id are done
    up_to         bigint  NOT NULL,           -- the last job that there was
    last_first    bigint  NOT NULL DEFAULT 0, -- the new jobs of the last step
    last_last     bigint  NOT NULL DEFAULT 0,
    last_at       bigint  NOT NULL DEFAULT 0,
    started_by    text    NOT NULL,
    creation_time bigint  NOT NULL,
    update_time   bigint  NOT NULL
);
CREATE INDEX webhook_bulk_unfinished ON webhook_bulk (update_time) WHERE status IN ('pending', 'running');
