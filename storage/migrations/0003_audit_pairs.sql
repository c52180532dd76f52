-- An act is its intent with its outcome: found together for every line of the audit log.
CREATE INDEX audit_outcome ON audit (intent_id) WHERE phase = 'outcome';
