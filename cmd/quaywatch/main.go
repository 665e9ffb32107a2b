// Command quaywatch is the port security system of a maritime port: it watches
// the IT, OT and physical worlds and the vessels as one. It hands everything to
// internal/cli and holds the time zones, so that it runs on machines without them.
package main

import (
	"os"
	_ "time/tzdata" // zones of ports on machines that have none installed

	"github.com/quaywatch/quaywatch/internal/cli"
)

func main() { os.Exit(cli.Main()) }
