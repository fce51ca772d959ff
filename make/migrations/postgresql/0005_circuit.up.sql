-- Origins whose last attempts were network errors. The circuit is open while
-- opened_at is not 0: its jobs wait, and one of them is tried from time to time.
CREATE TABLE webhook_circuit (
    origin    text    PRIMARY KEY,
    failures  integer NOT NULL,           -- network errors in a row
    opened_at bigint  NOT NULL DEFAULT 0,
    probe_at  bigint  NOT NULL DEFAULT 0, -- when the next attempt may be made
    told_to   bigint  NOT NULL DEFAULT 0  -- jobs up to this id say why they wait
);
