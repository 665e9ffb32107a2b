#!/bin/sh
# What is generated is committed, and is what the generators make today.
# The web bundle needs npm; where npm is missing this says so and checks the rest.
set -eu
before=$(git status --porcelain | sort)
(cd internal/console && go run github.com/a-h/templ/cmd/templ@"${TEMPL_VERSION:-v0.3.977}" generate >/dev/null)
go generate ./...
if command -v npm >/dev/null 2>&1; then
	(cd web && npm ci --no-audit --no-fund --silent)
	go run ./tools/webbuild
else
	echo "generated: npm is not installed: the web bundle was NOT rebuilt and compared" >&2
fi
after=$(git status --porcelain | sort)
if [ "$before" != "$after" ]; then
	echo "generated files differ from what is committed (run make generate and commit):" >&2
	git status --porcelain >&2
	exit 1
fi
