-- Users who have signed in. The token that a user holds is not kept.
CREATE TABLE user_session (
    id            text   PRIMARY KEY, -- SHA-256 of the token, hex
    user_id       bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential    text   NOT NULL, -- SHA-256 of the password hash at sign-in, hex
    creation_time bigint NOT NULL,
    seen_time     bigint NOT NULL -- last use, a minute late at most
);
CREATE INDEX user_session_user ON user_session (user_id);
CREATE INDEX user_session_seen ON user_session (seen_time);
CREATE INDEX user_session_created ON user_session (creation_time);

-- Accounts of programs, each in one project.
CREATE TABLE robot (
    id            bigserial PRIMARY KEY,
    project_id    bigint  NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name          text    NOT NULL, -- without robot$, project and +
    description   text    NOT NULL DEFAULT '',
    secret_hash   text    NOT NULL,
    permissions   text    NOT NULL, -- JSON array of "resource:verb"
    disabled      boolean NOT NULL DEFAULT false,
    days          bigint  NOT NULL, -- from the creation on; -1: for ever
    expires_at    bigint  NOT NULL, -- 0: never
    creator       text    NOT NULL DEFAULT '',
    creation_time bigint  NOT NULL,
    update_time   bigint  NOT NULL,
    UNIQUE (project_id, name)
);
