// Command quaywatch is the port security system: see internal/cli.
package main

import (
	"os"

	"github.com/quaywatch/quaywatch/internal/cli"
)

func main() { os.Exit(cli.Main()) }
