-- SPDX-License-Identifier: MIT
-- The first schema. Ids are 16-byte blobs (UUIDv7), states the codes of model/job_states.def,
-- outcomes those of model/outcomes.def, times ms since 1970 by the store's clock (0: none). Columns
-- that filters look at come first, long texts last, so that a scan does not follow overflow pages.
-- Checks are spelled so that SQLite compiles them to comparisons: `IN` of more than two values
-- builds a table each time.

PRAGMA application_id = 1246579020; -- "JMIL"

-- What may still run: unfinished work and dead letters.
CREATE TABLE jobs (
    id                 BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    state              INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6 AND state <> 5),
    type               TEXT NOT NULL,
    queue              TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    completed_at       INTEGER NOT NULL,
    workflow_id        BLOB,
    worker_id          TEXT,
    error_code         TEXT,
    tags               TEXT,
    updated_at         INTEGER NOT NULL,
    run_at             INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    priority           INTEGER NOT NULL,
    attempt            INTEGER NOT NULL,
    max_retries        INTEGER NOT NULL,
    claims             INTEGER NOT NULL,
    crashes            INTEGER NOT NULL,
    losses             INTEGER NOT NULL,
    timeout_ms         INTEGER NOT NULL,
    backoff_base_ms    INTEGER NOT NULL,
    backoff_cap_ms     INTEGER NOT NULL,
    backoff_factor_pct INTEGER NOT NULL,
    backoff_jitter_pct INTEGER NOT NULL,
    cpu_us             INTEGER NOT NULL,
    memory_kb          INTEGER NOT NULL,
    step_index         INTEGER,
    retry_of           BLOB,
    token              BLOB,
    incarnation        BLOB,
    idempotency_key    TEXT,
    last_error         TEXT,
    progress           TEXT,
    payload            TEXT NOT NULL,
    CHECK ((state = 3) = (token IS NOT NULL))
) WITHOUT ROWID;

-- Claims: one ordered run per (type, queue, priority); the id, last in every index, breaks ties.
-- The state is always 2, but without it SQLite would not take the index as covering.
CREATE INDEX jobs_queued ON jobs (state, type, queue, priority, run_at) WHERE state = 2;
-- Promotion.
CREATE INDEX jobs_due ON jobs (run_at) WHERE state IN (1, 4);
-- Lists by state, newest id first, and the running jobs for the reaper.
CREATE INDEX jobs_aside ON jobs (state) WHERE state <> 2;
-- Retention of dead letters.
CREATE INDEX jobs_dead ON jobs (completed_at) WHERE state = 6;

-- What finished for good.
CREATE TABLE job_history (
    id                 BLOB NOT NULL PRIMARY KEY,
    state              INTEGER NOT NULL CHECK (state = 5 OR state = 7),
    type               TEXT NOT NULL,
    queue              TEXT NOT NULL,
    created_at         INTEGER NOT NULL,
    completed_at       INTEGER NOT NULL,
    workflow_id        BLOB,
    worker_id          TEXT,
    error_code         TEXT,
    tags               TEXT,
    updated_at         INTEGER NOT NULL,
    run_at             INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    priority           INTEGER NOT NULL,
    attempt            INTEGER NOT NULL,
    max_retries        INTEGER NOT NULL,
    claims             INTEGER NOT NULL,
    crashes            INTEGER NOT NULL,
    losses             INTEGER NOT NULL,
    timeout_ms         INTEGER NOT NULL,
    backoff_base_ms    INTEGER NOT NULL,
    backoff_cap_ms     INTEGER NOT NULL,
    backoff_factor_pct INTEGER NOT NULL,
    backoff_jitter_pct INTEGER NOT NULL,
    cpu_us             INTEGER NOT NULL,
    memory_kb          INTEGER NOT NULL,
    step_index         INTEGER,
    retry_of           BLOB,
    token              BLOB, -- of the run that finished it: tells "mine already" from "lost"
    idempotency_key    TEXT,
    last_error         TEXT,
    progress           TEXT,
    payload            TEXT NOT NULL,
    result             TEXT
) WITHOUT ROWID;

-- Retention.
CREATE INDEX job_history_age ON job_history (state, completed_at);

-- Attempts that did not succeed, by claim number.
CREATE TABLE job_attempts (
    job_id         BLOB NOT NULL,
    claim          INTEGER NOT NULL,
    attempt        INTEGER NOT NULL,
    outcome        INTEGER NOT NULL,
    worker_id      TEXT,
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER NOT NULL,
    cpu_us         INTEGER NOT NULL,
    memory_kb      INTEGER NOT NULL,
    retry_delay_ms INTEGER, -- NULL: not retried by itself
    error          TEXT,
    PRIMARY KEY (job_id, claim)
) WITHOUT ROWID;

-- A key is unique until it expires, whatever became of its job.
CREATE TABLE idempotency_keys (
    key        TEXT NOT NULL PRIMARY KEY,
    job_id     BLOB NOT NULL,
    body_hash  BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_age ON idempotency_keys (expires_at);

-- Jobs by lane and state, changed with them; for final states all that ever were.
CREATE TABLE counts (
    queue TEXT NOT NULL,
    type  TEXT NOT NULL,
    state INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (queue, type, state)
) WITHOUT ROWID;

-- The present or last life of each worker; the lease of all jobs that it runs.
CREATE TABLE workers (
    id          TEXT NOT NULL PRIMARY KEY,
    incarnation BLOB NOT NULL,
    state       INTEGER NOT NULL, -- alive, lost, stopped
    draining    INTEGER NOT NULL,
    host        TEXT NOT NULL,
    roles       TEXT NOT NULL,
    version     TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    slots       INTEGER NOT NULL,
    busy        INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    beat_at     INTEGER NOT NULL,
    lease_until INTEGER NOT NULL
) WITHOUT ROWID;

-- What workers serve or served.
CREATE TABLE handler_types (
    type        TEXT NOT NULL PRIMARY KEY,
    defaults    TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    last_seen   INTEGER NOT NULL
) WITHOUT ROWID;

-- Bulk operations by filter: `cursor` is the id from which upwards everything is done.
CREATE TABLE bulk_ops (
    id             BLOB NOT NULL PRIMARY KEY,
    action         INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    states         INTEGER NOT NULL,
    type           TEXT,
    queue          TEXT,
    tag            TEXT,
    worker_id      TEXT,
    error_code     TEXT,
    workflow_id    BLOB,
    created_after  INTEGER NOT NULL,
    created_before INTEGER NOT NULL,
    died_before    INTEGER NOT NULL,
    patch          TEXT,
    max_jobs       INTEGER NOT NULL,
    cursor         BLOB,
    matched        INTEGER NOT NULL,
    succeeded      INTEGER NOT NULL,
    failed         INTEGER NOT NULL,
    error          TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    completed_at   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX bulk_ops_running ON bulk_ops (created_at) WHERE state = 1;
