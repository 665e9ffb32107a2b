package port

import (
	_ "embed" // the starter and the schema
	"slices"
)

//go:embed starter.yaml
var starter []byte

//go:embed schema.json
var schema []byte

// Starter is a commented port file to begin with. It passes the check.
func Starter() []byte { return slices.Clone(starter) }

// Schema is the JSON Schema (2020-12) of one file of a port, for editors. What
// only the whole can show (names that lead nowhere, overlaps, cycles, check
// digits) is beyond it; see [Check].
func Schema() []byte { return slices.Clone(schema) }
