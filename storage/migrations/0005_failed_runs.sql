-- What waits for a person is asked for every few seconds, and failed runs are few among all.
CREATE INDEX runs_state_failed ON runs (order_id) WHERE state = 'failed';
