-- Times are microseconds since 1970-01-01 UTC (docs/decisions/001-times-are-integers.md).
-- Read one with: SELECT datetime(creation_time / 1000000, 'unixepoch').

CREATE TABLE users (
    id            integer PRIMARY KEY AUTOINCREMENT,
    username      text   NOT NULL UNIQUE,
    email         text   NOT NULL DEFAULT '',
    realname      text   NOT NULL DEFAULT '',
    password_hash text   NOT NULL,
    sys_admin     boolean NOT NULL DEFAULT false,
    creation_time bigint NOT NULL,
    update_time   bigint NOT NULL
);

CREATE TABLE project (
    id            integer PRIMARY KEY AUTOINCREMENT,
    name          text   NOT NULL UNIQUE,
    public        boolean NOT NULL DEFAULT false,
    owner_id      bigint NOT NULL DEFAULT 0,
    owner_name    text   NOT NULL DEFAULT '',
    creation_time bigint NOT NULL,
    update_time   bigint NOT NULL
);

CREATE TABLE project_member (
    id         integer PRIMARY KEY AUTOINCREMENT,
    project_id bigint  NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    user_id    bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       integer NOT NULL,
    UNIQUE (project_id, user_id)
);

-- One row for each thing that other processes cache; every change adds one.
CREATE TABLE cache_version (
    name    text   PRIMARY KEY,
    version bigint NOT NULL
);
INSERT INTO cache_version (name, version) VALUES ('policies', 1);

CREATE TABLE webhook_policy (
    id               integer PRIMARY KEY AUTOINCREMENT,
    name             text    NOT NULL,
    description      text    NOT NULL DEFAULT '',
    project_id       bigint  NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    enabled          boolean NOT NULL DEFAULT true,
    hook_types       text    NOT NULL, -- JSON array
    filters          text    NOT NULL, -- JSON array of {"kind","value"}
    notify_type      text    NOT NULL,
    target           text    NOT NULL, -- address of the first target
    auth_header      text    NOT NULL DEFAULT '', -- encrypted
    skip_cert_verify boolean NOT NULL DEFAULT false,
    payload_format   text    NOT NULL,
    more_targets     text    NOT NULL DEFAULT '[]', -- JSON array: targets after the first
    secret           text    NOT NULL DEFAULT '', -- encrypted
    creator          text    NOT NULL DEFAULT '',
    creation_time    bigint  NOT NULL,
    update_time      bigint  NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE webhook_event (
    id            integer PRIMARY KEY AUTOINCREMENT,
    event_id      text   NOT NULL UNIQUE, -- the source's id
    project_id    bigint NOT NULL,
    hook_type     text   NOT NULL,
    repository    text   NOT NULL DEFAULT '',
    occurred_at   bigint NOT NULL,
    data          text   NOT NULL, -- the whole event, JSON
    creation_time bigint NOT NULL
);
CREATE INDEX webhook_event_project ON webhook_event (project_id, id);

CREATE TABLE webhook_job (
    id              integer PRIMARY KEY AUTOINCREMENT,
    job_uuid        text    NOT NULL,
    job_key         text    NOT NULL UNIQUE, -- event id / policy id / target position
    project_id      bigint  NOT NULL,
    policy_id       bigint  NOT NULL,
    policy_name     text    NOT NULL,
    target_position integer NOT NULL,
    event_id        text    NOT NULL,
    hook_type       text    NOT NULL,
    notify_type     text    NOT NULL,
    target          text    NOT NULL, -- masked, to be shown
    origin          text    NOT NULL,
    payload_format  text    NOT NULL,
    content_type    text    NOT NULL,
    job_detail      text    NOT NULL, -- the body
    repository      text    NOT NULL DEFAULT '',
    tag             text    NOT NULL DEFAULT '',
    digest          text    NOT NULL DEFAULT '',
    status          text    NOT NULL,
    status_message  text    NOT NULL DEFAULT '',
    attempts        integer NOT NULL DEFAULT 0,
    interruptions   integer NOT NULL DEFAULT 0,
    http_status     integer NOT NULL DEFAULT 0,
    next_at         bigint  NOT NULL,
    lease_token     text    NOT NULL DEFAULT '',
    lease_until     bigint  NOT NULL DEFAULT 0,
    redelivery_of   bigint  NOT NULL DEFAULT 0,
    creation_time   bigint  NOT NULL,
    update_time     bigint  NOT NULL
);
CREATE INDEX webhook_job_waiting ON webhook_job (origin, next_at, id) WHERE status IN ('pending', 'scheduled');
CREATE INDEX webhook_job_running ON webhook_job (lease_until) WHERE status = 'running';
CREATE INDEX webhook_job_project ON webhook_job (project_id, id);
CREATE INDEX webhook_job_policy ON webhook_job (policy_id, id);

CREATE TABLE webhook_attempt (
    job_id             bigint  NOT NULL, -- webhook_job (id)
    number             integer NOT NULL,
    started_at         bigint  NOT NULL,
    duration           bigint  NOT NULL, -- microseconds
    result             text    NOT NULL,
    error              text    NOT NULL DEFAULT '',
    remote_addr        text    NOT NULL DEFAULT '',
    request_url        text    NOT NULL, -- masked
    request_headers    text    NOT NULL, -- JSON, masked
    response_status    integer NOT NULL DEFAULT 0, -- 0: none came
    response_headers   text    NOT NULL DEFAULT '{}',
    response_body      text    NOT NULL DEFAULT '',
    response_truncated boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, number)
);

-- The tag memory: what the registry told about manifests and tags.
CREATE TABLE memory_manifest (
    repository    text   NOT NULL, -- full name
    digest        text   NOT NULL,
    media_type    text   NOT NULL,
    kind          text   NOT NULL,
    config_digest text   NOT NULL,
    platforms     text   NOT NULL, -- JSON array
    update_time   bigint NOT NULL,
    PRIMARY KEY (repository, digest)
);

CREATE TABLE memory_tag (
    repository  text   NOT NULL,
    name        text   NOT NULL,
    digest      text   NOT NULL,
    deleted_by  text   NOT NULL DEFAULT '', -- request id; empty while the tag exists
    update_time bigint NOT NULL,
    PRIMARY KEY (repository, name)
);
CREATE INDEX memory_tag_digest ON memory_tag (repository, digest) WHERE deleted_by = '';

CREATE TABLE memory_head (
    repository  text   NOT NULL,
    digest      text   NOT NULL,
    user_agent  text   NOT NULL,
    client      text   NOT NULL,
    tag         text   NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (repository, digest, user_agent, client, tag)
);
CREATE INDEX memory_head_at ON memory_head (at);
