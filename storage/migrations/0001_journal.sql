-- Times are REAL seconds since 1970 (UTC). JSON columns hold objects. Everything a run needs to go on after a crash is here.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Intake -------------------------------------------------------------------------------------------------------------
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    org TEXT NOT NULL, transport TEXT NOT NULL, channel TEXT NOT NULL,
    replay_id TEXT NOT NULL, event_uuid TEXT NOT NULL UNIQUE,
    order_id TEXT, idem_key TEXT, payload TEXT NOT NULL, received_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'new',  -- new, started, attached, closed, held, poison, heartbeat
    reason TEXT, run_id INTEGER, handled_at REAL
) STRICT;
CREATE INDEX inbox_new ON inbox (seq) WHERE state = 'new';
CREATE INDEX inbox_order ON inbox (order_id, received_at);

CREATE TABLE cursors (
    org TEXT NOT NULL, transport TEXT NOT NULL, channel TEXT NOT NULL,
    replay_id TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (org, transport, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY, org TEXT NOT NULL, transport TEXT NOT NULL, channel TEXT NOT NULL,
    lost_cursor TEXT, cursor_at REAL, at REAL NOT NULL, reason TEXT NOT NULL, reconciled_at REAL
) STRICT;

CREATE TABLE poison (
    id INTEGER PRIMARY KEY, inbox_seq INTEGER NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
    seen_by TEXT, seen_at REAL
) STRICT;

-- Orders as last read from Salesforce: the read model behind board and find --------------------------------------------
CREATE TABLE orders (
    order_id TEXT PRIMARY KEY, number TEXT NOT NULL, account_id TEXT, customer_number TEXT, customer_name TEXT,
    client_id TEXT, phone TEXT, email TEXT, kind TEXT, plan TEXT, amount INTEGER,
    sf_status TEXT NOT NULL, placed_by TEXT, approved_by TEXT, effective_date TEXT,
    run_id INTEGER, search TEXT NOT NULL DEFAULT '', sf_modified_at REAL, read_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_number ON orders (number);
CREATE INDEX orders_status ON orders (sf_status);
CREATE TABLE order_keys (  -- what find looks up exactly
    kind TEXT NOT NULL, value TEXT NOT NULL, order_id TEXT NOT NULL,
    PRIMARY KEY (kind, value, order_id)
) STRICT, WITHOUT ROWID;

-- Runs, steps, calls, sends --------------------------------------------------------------------------------------------
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    workflow TEXT NOT NULL, workflow_steps TEXT NOT NULL, subject TEXT NOT NULL, order_id TEXT, order_number TEXT,
    state TEXT NOT NULL, step TEXT, wait TEXT, wait_reason TEXT, wait_until REAL, condition TEXT,
    next_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    lock_key TEXT, lock_held INTEGER NOT NULL DEFAULT 0, waits_for INTEGER,
    error_class TEXT, error_system TEXT, error_operation TEXT, error_code TEXT, error_message TEXT, fingerprint TEXT,
    error_step TEXT,
    version INTEGER NOT NULL DEFAULT 1, attempt INTEGER NOT NULL DEFAULT 0,
    look_first INTEGER NOT NULL DEFAULT 0, unknown_open INTEGER NOT NULL DEFAULT 0, cancel_asked INTEGER NOT NULL DEFAULT 0,
    retry_of INTEGER, source TEXT NOT NULL, taken_by TEXT, taken_at REAL,
    state_data TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL, updated_at REAL NOT NULL, started_at REAL, ended_at REAL
) STRICT;
CREATE UNIQUE INDEX runs_one_open ON runs (workflow, subject)
    WHERE state IN ('queued', 'running', 'retrying', 'parked', 'held');
CREATE UNIQUE INDEX runs_lock ON runs (lock_key) WHERE lock_held = 1;
CREATE INDEX runs_waiting ON runs (lock_key) WHERE state IN ('queued', 'retrying') AND lock_held = 0;
CREATE INDEX runs_due ON runs (next_at, id) WHERE state IN ('queued', 'retrying');
CREATE INDEX runs_open ON runs (state, wait) WHERE state IN ('running', 'parked', 'held');
CREATE INDEX runs_order ON runs (order_id, id);
CREATE INDEX runs_failed ON runs (fingerprint, updated_at) WHERE fingerprint IS NOT NULL;
CREATE INDEX runs_created ON runs (created_at);
CREATE INDEX runs_untrimmed ON runs (ended_at) WHERE state = 'done' AND state_data <> '{}';

CREATE TABLE steps (
    run_id INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',  -- pending, running, waiting, done, failed, skipped, not_needed
    tries INTEGER NOT NULL DEFAULT 0, started_at REAL, ended_at REAL, output TEXT, note TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL, order_id TEXT NOT NULL, step TEXT NOT NULL, operation TEXT NOT NULL,
    item TEXT NOT NULL DEFAULT '', system TEXT NOT NULL, effect TEXT NOT NULL, marker TEXT,
    state TEXT NOT NULL,  -- intended, done, refused, unknown, resolved_absent, undone
    sends INTEGER NOT NULL DEFAULT 0, input TEXT NOT NULL DEFAULT '{}', output TEXT,
    first_intent_at REAL NOT NULL, intent_at REAL NOT NULL, deadline REAL NOT NULL,
    wait_from REAL, absent_at REAL, settled_at REAL, settled_by TEXT
) STRICT;
CREATE UNIQUE INDEX calls_effect ON calls (order_id, operation, item) WHERE effect <> 'read';
CREATE UNIQUE INDEX calls_read ON calls (run_id, operation, item) WHERE effect = 'read';
CREATE INDEX calls_open ON calls (state) WHERE state IN ('intended', 'unknown');

CREATE TABLE sends (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    call_id INTEGER NOT NULL, run_id INTEGER NOT NULL, n INTEGER NOT NULL,
    kind TEXT NOT NULL,  -- send, look, resolve
    intent_at REAL NOT NULL, deadline REAL NOT NULL, ended_at REAL,
    outcome TEXT,  -- ok, refused, failed, unknown, interrupted, found, absent
    error_class TEXT, code TEXT, message TEXT, evidence TEXT, correlation TEXT
) STRICT;
CREATE INDEX sends_call ON sends (call_id, id);

-- Feed: append-only; ids, states and causes only -----------------------------------------------------------------------
CREATE TABLE feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, at REAL NOT NULL,
    kind TEXT NOT NULL, order_id TEXT, run_id INTEGER, body TEXT NOT NULL
) STRICT;
CREATE INDEX feed_order ON feed (order_id, seq);

-- eSIM profiles and their activation data ------------------------------------------------------------------------------
CREATE TABLE profiles (
    iccid TEXT PRIMARY KEY, type TEXT NOT NULL, state TEXT NOT NULL,  -- free, reserved, ordered, confirmed, released, cancelled, quarantined, unusable
    shown_state TEXT, shown_at REAL, order_id TEXT, order_item_id TEXT UNIQUE, eid TEXT, batch TEXT,
    imported_at REAL NOT NULL, updated_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX profiles_free ON profiles (type, iccid) WHERE state = 'free';
CREATE INDEX profiles_order ON profiles (order_id);
CREATE TABLE profile_history (
    id INTEGER PRIMARY KEY, iccid TEXT NOT NULL, at REAL NOT NULL, what TEXT NOT NULL, order_id TEXT, detail TEXT
) STRICT;
CREATE INDEX profile_history_iccid ON profile_history (iccid, id);
CREATE TABLE progress (  -- HandleDownloadProgressInfo call-backs, stored before they are answered
    id INTEGER PRIMARY KEY, dedupe TEXT NOT NULL UNIQUE, iccid TEXT NOT NULL, at REAL NOT NULL, point INTEGER,
    status TEXT, reported_at REAL, body TEXT NOT NULL, known INTEGER NOT NULL
) STRICT;
CREATE INDEX progress_iccid ON progress (iccid, reported_at);
CREATE TABLE activation (  -- the one home of what takes over a line; read by mail and the audited reveal only
    order_id TEXT NOT NULL, order_item_id TEXT NOT NULL, matching_id TEXT NOT NULL, smdp_address TEXT,
    created_at REAL NOT NULL, PRIMARY KEY (order_id, order_item_id)
) STRICT, WITHOUT ROWID;

-- People ---------------------------------------------------------------------------------------------------------------
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, phase TEXT NOT NULL,  -- intent, outcome
    intent_id INTEGER, actor TEXT NOT NULL, peer TEXT, token_id INTEGER, role TEXT, command TEXT NOT NULL,
    plan_hash TEXT, subjects TEXT NOT NULL, reason TEXT, outcome TEXT, detail TEXT
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, prefix TEXT NOT NULL UNIQUE, hash TEXT NOT NULL,
    created_at REAL NOT NULL, created_by TEXT NOT NULL, expires_at REAL NOT NULL, revoked_at REAL, last_used_at REAL
) STRICT;
CREATE TABLE idempotency (
    owner TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, state TEXT NOT NULL,  -- in_flight, done
    status INTEGER, response TEXT, at REAL NOT NULL, PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE batches (
    id TEXT PRIMARY KEY, command TEXT NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, reason TEXT, arguments TEXT NOT NULL,
    plan_hash TEXT NOT NULL, audit_id INTEGER NOT NULL, state TEXT NOT NULL,  -- running, done, stopped
    pace REAL NOT NULL, stop_after INTEGER NOT NULL, created_at REAL NOT NULL, ended_at REAL
) STRICT;
CREATE TABLE batch_items (
    batch_id TEXT NOT NULL, position INTEGER NOT NULL, order_id TEXT NOT NULL, run_version INTEGER,
    state TEXT NOT NULL,  -- waiting, working, done, failed, excluded
    result TEXT, at REAL, PRIMARY KEY (batch_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE notes (
    id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, at REAL NOT NULL, actor TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX notes_order ON notes (order_id, id);
CREATE TABLE takes (
    order_id TEXT PRIMARY KEY, actor TEXT NOT NULL, at REAL NOT NULL, expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE edits (
    id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, at REAL NOT NULL, actor TEXT NOT NULL, item TEXT NOT NULL DEFAULT '',
    field TEXT NOT NULL, old TEXT, new TEXT, reason TEXT NOT NULL
) STRICT;
CREATE INDEX edits_order ON edits (order_id, id);
CREATE TABLE pauses (  -- of an integration ("whmcs") or a product ("product:21")
    subject TEXT PRIMARY KEY, actor TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL, automatic INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mail and Salesforce write-backs --------------------------------------------------------------------------------------
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, kind TEXT NOT NULL, language TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE, resend INTEGER NOT NULL DEFAULT 0, run_id INTEGER,
    state TEXT NOT NULL,  -- queued, sending, sent, maybe_sent, failed, held
    recipient TEXT, tries INTEGER NOT NULL DEFAULT 0, error TEXT, queued_at REAL NOT NULL, sent_at REAL, queued_by TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX mail_once ON mail (order_id, kind, resend);
CREATE TABLE outbox (
    order_id TEXT PRIMARY KEY, version INTEGER NOT NULL, fields TEXT NOT NULL, state TEXT NOT NULL,  -- waiting, in_flight, settled, given_up
    tries INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL, intent_at REAL, in_flight TEXT, error TEXT, updated_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (next_at) WHERE state IN ('waiting', 'in_flight');

CREATE TABLE alerts (
    cause TEXT PRIMARY KEY, severity TEXT NOT NULL, message TEXT NOT NULL, order_id TEXT,
    first_at REAL NOT NULL, last_at REAL NOT NULL, count INTEGER NOT NULL, sent_at REAL, cleared_at REAL
) STRICT, WITHOUT ROWID;
