-- The first three jobs are counted; the next two were passed, but not over.
INSERT INTO webhook_tally (project_id, hours, hour, policy_id, hook_type, bucket, jobs) VALUES
    (1, 1, (NOW - 7200000000) / 3600000000, 1, 'pushImage', 0, 2),
    (1, 1, (NOW - 7200000000) / 3600000000, 1, 'deleteImage', 1, 1);
UPDATE webhook_tally_mark SET job_id = 5;
INSERT INTO webhook_tally_later (job_id, project_id) VALUES (4, 1), (5, 1);
