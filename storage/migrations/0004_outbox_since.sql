-- Since when Salesforce has not shown what it should: tries move updated_at, not this.
ALTER TABLE outbox ADD COLUMN since REAL NOT NULL DEFAULT 0;
UPDATE outbox SET since = updated_at;
