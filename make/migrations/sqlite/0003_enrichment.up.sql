-- When an event that must still be completed may be taken to do so; 0: complete.
ALTER TABLE webhook_event ADD COLUMN complete_at bigint NOT NULL DEFAULT 0;
CREATE INDEX webhook_event_incomplete ON webhook_event (complete_at) WHERE complete_at > 0;

-- When a tag was last found by comparing with the registry; 0: an event told of it.
ALTER TABLE memory_tag ADD COLUMN recovered_at bigint NOT NULL DEFAULT 0;

-- The lives of registries up to which the tag memory has been compared with them.
CREATE TABLE registry_source (
    addr          text   NOT NULL,
    instance_id   text   NOT NULL, -- new at each start of a registry
    creation_time bigint NOT NULL,
    PRIMARY KEY (addr, instance_id)
);
