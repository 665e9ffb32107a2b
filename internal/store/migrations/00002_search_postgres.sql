-- Words of findings, already split and in lower case.

-- +goose Up
CREATE TABLE finding_words (
    n     INTEGER PRIMARY KEY REFERENCES findings (n),
    words TEXT NOT NULL
);
CREATE INDEX finding_words_index ON finding_words USING gin (to_tsvector('simple', words));

-- +goose Down
DROP TABLE finding_words;
