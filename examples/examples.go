// Package examples holds the example ports, so that the program can start the
// demo and write a starter from any directory. The command line and system
// import it; it imports nothing of this repository.
package examples

import "embed"

// Saltmere is the fictional port of Saltmere: a directory "saltmere" with
// port.yaml, what it includes, and its inventory as CSV.
//
//go:embed saltmere
var Saltmere embed.FS
