-- What somebody has looked at and put aside from "needs a person": gap:<id>, mail:<id>. (Poison rows carry it themselves.)
CREATE TABLE seen (
    subject TEXT PRIMARY KEY, actor TEXT NOT NULL, at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Which runs ever met a cause: a run that went on has forgotten its fingerprint, the history has not.
CREATE TABLE causes_met (
    fingerprint TEXT NOT NULL, run_id INTEGER NOT NULL, order_id TEXT, first_at REAL NOT NULL, last_at REAL NOT NULL,
    PRIMARY KEY (fingerprint, run_id)
) STRICT, WITHOUT ROWID;
INSERT INTO causes_met SELECT fingerprint, id, order_id, updated_at, updated_at FROM runs WHERE fingerprint IS NOT NULL;
CREATE INDEX causes_met_last ON causes_met (last_at);

-- What waits for a person is asked for every few seconds.
CREATE INDEX mail_unsettled ON mail (state) WHERE state IN ('maybe_sent', 'failed', 'held');
