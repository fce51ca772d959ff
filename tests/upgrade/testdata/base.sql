-- What every database holds: users, projects, policies with secrets, events, and jobs
-- in every status. "NOW" is the time in microseconds, @receiver@ where webhooks go.
-- The secrets were encrypted by the first releases (k1) and by later ones (k2) with the
-- key 0123456789abcdef0123456789abcdef. Ids follow from the order.
INSERT INTO users (username, email, realname, password_hash, sys_admin, creation_time, update_time) VALUES
    ('admin', '', 'system admin', '$2a$10$WaZ4AGydM06v6Z.Kf8l1ou5ARKR0QIZ9Xjxh8LXXzlaqHz.bUO1ai', true, NOW - 86400000000, NOW - 86400000000),
    ('alice', 'alice@example.com', 'Alice', '$2a$10$J1Ser9xfIJrNV2kAVJAywe8EE3U0XBEmpYNIpjectSl7lCuDmt2.e', false, NOW - 86400000000, NOW - 86400000000);
INSERT INTO project (name, public, owner_id, owner_name, creation_time, update_time) VALUES
    ('library', true, 0, 'admin', NOW - 86400000000, NOW - 86400000000),
    ('payments', false, 2, 'alice', NOW - 86400000000, NOW - 86400000000);
INSERT INTO project_member (project_id, user_id, role) VALUES (2, 2, 1);

INSERT INTO webhook_policy (name, description, project_id, enabled, hook_types, filters, notify_type, target, auth_header, payload_format,
    more_targets, secret, creator, creation_time, update_time) VALUES
    ('ci', 'starts the pipeline', 1, true, '["pushImage","deleteImage"]', '[{"kind":"tag","value":"v[0-9.]+"}]', 'http', '@receiver@/ci',
     'k1:F2IhUWEvdTPB1O32jGbKiI9is5jo4X2pPbYa3iY405g4A1we5rE+93o0bJ2W2Q==', 'Events', '[]',
     'k1:BbFOJ3kwvsWY9hfJHAKjY6dRlAZPBNxzl/ntYeQu3pEHlnpgzl39BnUK1XbUHA5EwQYeNvZcQXrPAqGtIL+p2mDY', 'admin', NOW - 80000000000, NOW - 80000000000),
    ('two targets', '', 2, true, '["pushImage"]', '[]', 'http', '@receiver@/first', '', 'Default',
     '[{"type":"http","address":"@receiver@/second","auth_header":"k2:c4f3c687:ect4dIHKFzjQLU+0h31uDudRX7Qr4M74j1HgWN4c6iqgi7GwKduvYgkhZlh3d/oS9AaWgdYY","payload_format":"Events"}]',
     'k2:c4f3c687:Zlblxs3NwYR3/zVx3LjnsEkhlyvjhtUxyJB8rZJAiQg2WpC5hMjFVgV2EI7Svw==', 'alice', NOW - 80000000000, NOW - 70000000000),
    ('off', '', 2, false, '["pushImage"]', 'null', 'http',
     'k2:c4f3c687:bYlG8JIfrTl0q3YujJux7P3cJB+5T5tFPLuzEliFcahvkCKy/lqfA1FBC1NOUr2YQEhccbcd3am5WpohdQPSkd6Xv6U=', '', 'Events', '[]', '', 'alice', NOW - 80000000000, NOW - 80000000000);

INSERT INTO webhook_event (event_id, project_id, hook_type, repository, occurred_at, data, creation_time) VALUES
    ('event-1', 1, 'pushImage', 'app', NOW - 7200000000, '{"id":"event-1","type":"pushImage","project_id":1,"project":"library","public":true,"repository":"app","resources":[{"tag":"v1","digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111"}],"occurred_at":"2026-01-02T03:04:05Z","operator":"alice"}', NOW - 7200000000),
    ('event-2', 1, 'pushImage', 'app', NOW - 60000000, '{"id":"event-2","type":"pushImage","project_id":1,"project":"library","public":true,"repository":"app","resources":[{"tag":"v2","digest":"sha256:2222222222222222222222222222222222222222222222222222222222222222"}],"occurred_at":"2026-01-02T03:04:05Z","operator":"alice"}', NOW - 60000000),
    ('event-3', 2, 'pushImage', 'web', NOW - 60000000, '{"id":"event-3","type":"pushImage","project_id":2,"project":"payments","repository":"web","resources":[{"tag":"latest","digest":"sha256:3333333333333333333333333333333333333333333333333333333333333333"}],"occurred_at":"2026-01-02T03:04:05Z","operator":"alice"}', NOW - 60000000);

INSERT INTO webhook_job (job_uuid, job_key, project_id, policy_id, policy_name, target_position, event_id, hook_type, notify_type, target, origin,
    payload_format, content_type, job_detail, repository, tag, status, status_message, attempts, http_status, next_at, lease_token, lease_until,
    creation_time, update_time) VALUES
    ('00000000-0000-4000-8000-000000000001', 'event-1/1/0', 1, 1, 'ci', 0, 'event-1', 'pushImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":1}', 'app', 'v1', 'finished', '', 1, 200, NOW - 7200000000, '', NOW - 7190000000, NOW - 7200000000, NOW - 7199000000),
    ('00000000-0000-4000-8000-000000000002', 'event-1b/1/0', 1, 1, 'ci', 0, 'event-1b', 'pushImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":2}', 'app', 'v1.1', 'error', 'connection refused', 4, 0, NOW - 3600000000, '', NOW - 3600000000, NOW - 7200000000, NOW - 3600000000),
    ('00000000-0000-4000-8000-000000000003', 'event-1c/1/0', 1, 1, 'ci', 0, 'event-1c', 'deleteImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":3}', 'app', 'v0', 'stopped', 'stopped by admin', 0, 0, NOW - 7200000000, '', 0, NOW - 7200000000, NOW - 7100000000),
    ('00000000-0000-4000-8000-000000000004', 'event-2/1/0', 1, 1, 'ci', 0, 'event-2', 'pushImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":4}', 'app', 'v2', 'pending', '', 0, 0, NOW - 60000000, '', 0, NOW - 60000000, NOW - 60000000),
    ('00000000-0000-4000-8000-000000000005', 'event-2b/1/0', 1, 1, 'ci', 0, 'event-2b', 'pushImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":5}', 'app', 'v2.1', 'scheduled', 'timeout', 1, 0, NOW - 1000000, '', NOW - 50000000, NOW - 60000000, NOW - 50000000),
    ('00000000-0000-4000-8000-000000000006', 'event-2c/1/0', 1, 1, 'ci', 0, 'event-2c', 'pushImage', 'http', '@receiver@/ci', '@receiver@',
     'Events', 'application/json', '{"n":6}', 'app', 'v2.2', 'running', '', 0, 0, NOW - 60000000, 'lease-of-one-that-is-gone', NOW - 40000000, NOW - 60000000, NOW - 55000000),
    ('00000000-0000-4000-8000-000000000007', 'event-3/2/1', 2, 2, 'two targets', 1, 'event-3', 'pushImage', 'http', '@receiver@/second', '@receiver@',
     'Events', 'application/json', '{"n":7}', 'web', 'latest', 'pending', '', 0, 0, NOW - 60000000, '', 0, NOW - 60000000, NOW - 60000000),
    ('00000000-0000-4000-8000-000000000008', 'event-3/3/0', 2, 3, 'off', 0, 'event-3', 'pushImage', 'http', 'https://ci.example.com/hook?token=********', 'https://ci.example.com',
     'Events', 'application/json', '{"n":8}', 'web', 'latest', 'pending', '', 0, 0, NOW - 60000000, '', 0, NOW - 60000000, NOW - 60000000);

INSERT INTO webhook_attempt (job_id, number, started_at, duration, result, error, remote_addr, request_url, request_headers, response_status,
    response_headers, response_body) VALUES
    (1, 1, NOW - 7199000000, 12000, 'ok', '', '192.0.2.7:443', '@receiver@/ci', '{"Content-Type":["application/json"]}', 200, '{"Server":["ci"]}', 'pipeline 4711 was started'),
    (2, 1, NOW - 7199000000, 900, 'connect_failed', 'connection refused', '', '@receiver@/ci', '{}', 0, '{}', ''),
    (2, 2, NOW - 7190000000, 900, 'connect_failed', 'connection refused', '', '@receiver@/ci', '{}', 0, '{}', ''),
    (2, 3, NOW - 7100000000, 900, 'connect_failed', 'connection refused', '', '@receiver@/ci', '{}', 0, '{}', ''),
    (2, 4, NOW - 3600000000, 900, 'connect_failed', 'connection refused', '', '@receiver@/ci', '{}', 0, '{}', ''),
    (5, 1, NOW - 55000000, 10000000, 'timeout', 'no answer within 10s', '192.0.2.7:443', '@receiver@/ci', '{}', 0, '{}', '');

INSERT INTO memory_manifest (repository, digest, media_type, kind, config_digest, platforms, update_time) VALUES
    ('library/app', 'sha256:1111111111111111111111111111111111111111111111111111111111111111', 'application/vnd.oci.image.manifest.v1+json', 'image', 'sha256:4444444444444444444444444444444444444444444444444444444444444444', 'null', NOW - 7200000000);
INSERT INTO memory_tag (repository, name, digest, deleted_by, update_time) VALUES
    ('library/app', 'v1', 'sha256:1111111111111111111111111111111111111111111111111111111111111111', '', NOW - 7200000000);
INSERT INTO memory_head (repository, digest, user_agent, client, tag, at) VALUES
    ('library/app', 'sha256:1111111111111111111111111111111111111111111111111111111111111111', 'docker/27', '192.0.2.1', 'v1', NOW - 5000000);
UPDATE cache_version SET version = version + 3 WHERE name = 'policies';
