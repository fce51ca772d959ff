-- A tag that was found by comparing, and the life of a registry.
INSERT INTO memory_tag (repository, name, digest, update_time, recovered_at) VALUES
    ('library/app', 'v1.1', 'sha256:1111111111111111111111111111111111111111111111111111111111111111', NOW - 3600000000, NOW - 3600000000);
INSERT INTO registry_source (addr, instance_id, creation_time) VALUES ('registry:5000', 'test', NOW - 3600000000);
