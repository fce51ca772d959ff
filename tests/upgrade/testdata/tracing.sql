-- A job was accepted while traces were taken down.
UPDATE webhook_job SET traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' WHERE id = 4;
