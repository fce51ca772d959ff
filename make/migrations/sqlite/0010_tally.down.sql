DROP TABLE webhook_tally_later;
DROP TABLE webhook_tally_mark;
DROP TABLE webhook_tally;
