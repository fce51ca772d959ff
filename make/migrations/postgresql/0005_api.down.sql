DROP INDEX webhook_job_trigger;
