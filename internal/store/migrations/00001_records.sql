-- One schema for SQLite and PostgreSQL. Times are microseconds since 1970-01-01
-- UTC, 0 where there is none; truths are 0 and 1. SQLite knows no type BYTEA and
-- stores what it is given, which is what we want of it.

-- +goose Up

-- The newest leaf of the audit log. Every change of the records begins by
-- locking its one row, so changes happen one after another.
CREATE TABLE audit_tip (
    id   SMALLINT PRIMARY KEY CHECK (id = 1),
    size BIGINT NOT NULL, -- entries
    edge BYTEA  NOT NULL, -- right edge of the tree: its complete subtrees, largest first
    head BYTEA  NOT NULL  -- signed checkpoint of this size
);
INSERT INTO audit_tip (id, size, edge, head) VALUES (1, 0, '', '');

CREATE TABLE audit_entries (
    seq     BIGINT PRIMARY KEY, -- from 0, without gaps
    at      BIGINT NOT NULL,
    actor   TEXT   NOT NULL,
    action  TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    body    BYTEA  NOT NULL, -- canonical form: what is hashed
    record  BYTEA  NOT NULL, -- hash of body
    tree    BYTEA  NOT NULL  -- hash of the tree up to and with this entry
);
CREATE INDEX audit_entries_subject ON audit_entries (subject, seq);
CREATE INDEX audit_entries_actor ON audit_entries (actor, seq);

CREATE TABLE audit_checkpoints (
    seq  BIGINT PRIMARY KEY, -- from 0, the line of succession in the file
    note BYTEA NOT NULL
);

CREATE TABLE findings (
    n             INTEGER PRIMARY KEY,
    id            TEXT     NOT NULL UNIQUE,
    place         BIGINT   NOT NULL, -- in lists: severity, grade and last occurrence in one number, smallest first
    rule          TEXT     NOT NULL,
    subject       TEXT     NOT NULL,
    severity      SMALLINT NOT NULL,
    grade         SMALLINT NOT NULL,
    state         TEXT     NOT NULL,
    present       SMALLINT NOT NULL,
    domains       SMALLINT NOT NULL, -- one bit a domain
    exercise      SMALLINT NOT NULL,
    assignee      TEXT     NOT NULL,
    last_at       BIGINT   NOT NULL,
    shelved_until BIGINT   NOT NULL,
    revision      BIGINT   NOT NULL
);
-- Holds all that the usual lists ask for: reading along it is quicker than
-- sorting what an index on a state would give.
CREATE UNIQUE INDEX findings_place ON findings (place, id, state, present, domains, severity, grade);
CREATE INDEX findings_rule ON findings (rule, place, id);
CREATE INDEX findings_subject ON findings (subject, place, id);
CREATE INDEX findings_last ON findings (last_at);
CREATE INDEX findings_assignee ON findings (assignee, place, id) WHERE assignee <> '';
CREATE INDEX findings_shelved ON findings (shelved_until) WHERE state = 'shelved';

-- Apart from the narrow table, so that scanning it does not drag the documents along.
CREATE TABLE finding_documents (
    n        INTEGER PRIMARY KEY REFERENCES findings (n),
    document BYTEA NOT NULL -- JSON
);

-- How many findings there are of each kind: counting 100,000 rows for each
-- screen would cost more than keeping count.
CREATE TABLE finding_tallies (
    state    TEXT     NOT NULL,
    severity SMALLINT NOT NULL,
    grade    SMALLINT NOT NULL,
    present  SMALLINT NOT NULL,
    domains  SMALLINT NOT NULL,
    exercise SMALLINT NOT NULL,
    n        BIGINT   NOT NULL,
    PRIMARY KEY (state, severity, grade, present, domains, exercise)
);

-- The outbox: one notice of each change of a finding, numbered by its audit entry.
CREATE TABLE finding_notices (
    seq      BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    finding  TEXT   NOT NULL,
    revision BIGINT NOT NULL,
    change   TEXT   NOT NULL,
    state    TEXT   NOT NULL,
    actor    TEXT   NOT NULL
);
CREATE INDEX finding_notices_load ON finding_notices (change, at, state);

CREATE TABLE positions (
    name TEXT PRIMARY KEY,
    seq  BIGINT NOT NULL
);

CREATE TABLE bookmarks (
    source TEXT PRIMARY KEY,
    mark   TEXT NOT NULL
);

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE accounts (
    name          TEXT PRIMARY KEY,
    display       TEXT     NOT NULL,
    roles         TEXT     NOT NULL, -- separated by spaces
    party         TEXT     NOT NULL,
    password_hash TEXT     NOT NULL,
    must_change   SMALLINT NOT NULL,
    disabled      SMALLINT NOT NULL,
    generation    BIGINT   NOT NULL,
    revision      BIGINT   NOT NULL,
    created       BIGINT   NOT NULL,
    changed       BIGINT   NOT NULL,
    last_login    BIGINT   NOT NULL
);

CREATE TABLE api_tokens (
    id        TEXT PRIMARY KEY,
    account   TEXT   NOT NULL REFERENCES accounts (name),
    name      TEXT   NOT NULL,
    role      TEXT   NOT NULL,
    sum       BYTEA  NOT NULL UNIQUE, -- SHA-256 of the token
    created   BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    revoked   BIGINT NOT NULL
);
CREATE INDEX api_tokens_account ON api_tokens (account);

CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    content BYTEA  NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

-- +goose Down
DROP TABLE sessions;
DROP TABLE api_tokens;
DROP TABLE accounts;
DROP TABLE settings;
DROP TABLE bookmarks;
DROP TABLE positions;
DROP TABLE finding_notices;
DROP TABLE finding_tallies;
DROP TABLE finding_documents;
DROP TABLE findings;
DROP TABLE audit_checkpoints;
DROP TABLE audit_entries;
DROP TABLE audit_tip;
