-- What people declare besides acting on findings: signed reports, verdicts on
-- weaknesses, decisions on devices. Nothing is ever changed: a new revision follows.

-- +goose Up
CREATE TABLE declared (
    kind     TEXT   NOT NULL, -- "board-report", "verdict"…
    id       TEXT   NOT NULL, -- within the kind
    revision BIGINT NOT NULL, -- from 1
    at       BIGINT NOT NULL,
    actor    TEXT   NOT NULL,
    note     TEXT   NOT NULL,
    body     BYTEA  NOT NULL, -- empty: withdrawn
    PRIMARY KEY (kind, id, revision)
);

-- +goose Down
DROP TABLE declared;
