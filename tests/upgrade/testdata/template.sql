-- A policy with a template of its own.
INSERT INTO webhook_policy (name, project_id, hook_types, filters, notify_type, target, payload_format, payload_template, creator, creation_time, update_time) VALUES
    ('own body', 2, '["pushImage"]', 'null', 'http', '@receiver@/custom', 'Custom', '{"text": {{json .full_name}}}', 'alice', NOW - 80000000000, NOW - 80000000000);
