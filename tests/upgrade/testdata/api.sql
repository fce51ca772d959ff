-- A policy whose secret is being rotated, and what people did.
INSERT INTO webhook_policy (name, project_id, hook_types, filters, notify_type, target, payload_format, secret, old_secret, old_secret_until, creator, creation_time, update_time) VALUES
    ('rotated', 2, '["pushImage"]', 'null', 'http', '@receiver@/rotated', 'Events',
     'k2:c4f3c687:2lP9gvoDJ11he+WrstvzjTzXiK9zoMD1O+B2EXERfgY80+dl6P4=', 'k2:c4f3c687:6W5jsoLYZ4hU2iAZ/k5LyauggFAtXKHo4vfyuQbn0hABynpEHD4=', NOW + 86400000000,
     'alice', NOW - 80000000000, NOW - 60000000);
INSERT INTO webhook_audit (project_id, at, actor, action, policy_id, detail) VALUES
    (2, NOW - 60000000, 'alice', 'rotate_secret', 5, 'rotated');
