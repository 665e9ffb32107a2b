package sqlite

import "database/sql"

// Tamper opens the file with no questions asked, as somebody with another
// program would.
func Tamper(path string) (*sql.DB, error) { return connect(path, 1, "_pragma=synchronous(OFF)") }
