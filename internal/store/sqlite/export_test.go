package sqlite

import "database/sql"

// Tamper opens the file with no questions asked, as somebody with another
// program would.
func Tamper(path string) (*sql.DB, error) { return connect(path, 1, "_pragma=synchronous(OFF)") }

// Stage is the part of Restore before its files get their final names; Finish
// is the rest.
var (
	Stage  = stage
	Finish = finish
)
