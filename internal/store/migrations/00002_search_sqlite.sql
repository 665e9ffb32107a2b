-- Words of findings. The index holds no text of its own (the documents have
-- it), and no positions: a search asks for words, not for phrases.

-- +goose Up
CREATE VIRTUAL TABLE finding_words USING fts5 (words, content = '', contentless_delete = 1, detail = none);

-- +goose Down
DROP TABLE finding_words;
