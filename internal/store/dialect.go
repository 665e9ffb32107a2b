package store

import (
	"database/sql"
	"strconv"
	"strings"

	"github.com/quaywatch/quaywatch/internal/store/migrations"
)

// Dialect is what differs between the databases.
type Dialect struct {
	Kind migrations.Database

	numbered bool           // parameters are $1, $2… rather than ?
	snapshot *sql.TxOptions // of a transaction that sees one moment
	lock     string         // ends the query that takes the lock of a change
	hits     string         // query for the numbers n of findings that have the words of a search
	prefix   string         // turns a word into one that matches longer ones
	and      string         // joins words of a search
}

// The dialects.
var (
	SQLite = Dialect{
		Kind:   migrations.SQLite,
		hits:   "SELECT rowid AS n FROM finding_words WHERE finding_words MATCH ?",
		prefix: "*", and: " AND ",
	}
	Postgres = Dialect{
		Kind:     migrations.Postgres,
		numbered: true, lock: " FOR UPDATE",
		hits:     "SELECT n FROM finding_words WHERE to_tsvector('simple', words) @@ to_tsquery('simple', ?)",
		snapshot: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		prefix:   ":*", and: " & ",
	}
)

// bind turns the ? of a query into what the database takes. No query here holds
// a ? in quotes.
func (d *Dialect) bind(query string) string {
	if !d.numbered {
		return query
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// marks is n question marks with commas.
func marks(n int) string {
	return strings.TrimSuffix(strings.Repeat("?,", n), ",")
}
