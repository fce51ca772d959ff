DROP TABLE webhook_circuit;
