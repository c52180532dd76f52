-- What each channel (the webhook, a mail address) was last told about a cause: open or cleared.
CREATE TABLE alert_told (
    cause TEXT NOT NULL, channel TEXT NOT NULL, phase TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (cause, channel)
) STRICT, WITHOUT ROWID;

-- "Did this heartbeat come back?" is asked every few seconds.
CREATE INDEX inbox_heartbeat ON inbox (idem_key) WHERE state = 'heartbeat';
