-- Many deliveries were sent again at once; the index of the search has not begun.
INSERT INTO webhook_bulk (project_id, filter, status, total, done, failed, after_job, up_to, started_by, creation_time, update_time) VALUES
    (1, '{"Statuses":["error"]}', 'finished', 3, 3, 0, 2, 2, 'admin', NOW - 600000000, NOW - 500000000);
