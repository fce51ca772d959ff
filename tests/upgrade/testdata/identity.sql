-- alice has signed in, with the token session-of-alice-0123456789abcdef0123456789; a
-- pipeline has the secret Secret-of-the-robot-0123456789ab.
INSERT INTO user_session (id, user_id, credential, creation_time, seen_time) VALUES
    ('df851f3293a8beac7af281402cedd9f4600673fc4c622ad98e3c40f7c422ae49', 2, '0c0c6a6226d3a4958febeed75cf567c6459d5e902edceef4ab2f4b5caac69033', NOW - 600000000, NOW - 60000000);
INSERT INTO robot (project_id, name, description, secret_hash, permissions, days, expires_at, creator, creation_time, update_time) VALUES
    (2, 'ci', 'reads the log', '5c7d222758087d6d955b25b99a1ae67fb599cf60a0b8727d282788d38f2da6be', '["notification-policy:list","notification-policy:read"]', -1, 0, 'alice', NOW - 600000000, NOW - 600000000);
