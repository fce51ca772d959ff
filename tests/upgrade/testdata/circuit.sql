-- An endpoint that has not answered for a while.
INSERT INTO webhook_circuit (origin, failures, opened_at, probe_at, told_to) VALUES
    ('http://192.0.2.9:9000', 12, NOW - 600000000, NOW + 3600000000, 8);
