DROP TABLE webhook_bulk;
DROP TABLE webhook_search_later;
DROP TABLE webhook_search_mark;
DROP TABLE webhook_search;
DROP INDEX webhook_job_project;
CREATE INDEX webhook_job_project ON webhook_job (project_id, id);
DROP INDEX webhook_job_tag;
DROP INDEX webhook_job_repository;
DROP INDEX webhook_job_status;
