# Quaywatch: `make check` is the one gate. `make help` lists the targets.

GO      ?= go
TOOLS   := $(CURDIR)/.tools/bin
LINT    := $(TOOLS)/golangci-lint
VULN    := $(TOOLS)/govulncheck
LINT_VERSION  := v2.15.0
VULN_VERSION  := v1.9.0
TEMPL_VERSION := v0.3.977
FUZZTIME ?= 5m

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## build the program into bin/
	$(GO) build -trimpath -o bin/quaywatch ./cmd/quaywatch

.PHONY: check
check: needs format vet lint generated test fuzz-brief vuln ## everything that must hold before a change lands

.PHONY: needs
needs: ## install what the tests need and this machine lacks
	@sh tools/needs.sh

.PHONY: format
format: ## gofmt finds nothing to do
	@bad=$$(gofmt -l $$(git ls-files '*.go' | grep -v '_templ\.go$$')); if [ -n "$$bad" ]; then echo "not formatted (run gofmt -w):"; echo "$$bad"; exit 1; fi

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: lint
lint: $(LINT)
	$(LINT) run ./...

.PHONY: test
test: ## all tests with the race detector, browser and PostgreSQL with them
	$(GO) test -race -timeout 12m ./...

.PHONY: fuzz-brief
fuzz-brief: ## every fuzz target for a moment
	@sh tools/fuzz.sh 2000x

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (5m) each
	@sh tools/fuzz.sh $(FUZZTIME)

.PHONY: vuln
vuln: $(VULN)
	@sh tools/vuln.sh $(VULN)

.PHONY: bench
bench: ## speeds against their goals, and the ratio to peers where they are installed
	@sh tools/bench.sh

.PHONY: generate
generate: web ## everything that is generated and committed
	cd internal/console && $(GO) run github.com/a-h/templ/cmd/templ@$(TEMPL_VERSION) generate
	$(GO) generate ./...

.PHONY: web
web: ## bundle the islands and the stylesheet into internal/console/assets
	cd web && npm ci --no-audit --no-fund
	$(GO) run ./tools/webbuild

.PHONY: generated
generated: ## what is generated is what is committed
	@sh tools/generated.sh

$(LINT):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

$(VULN):
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION)
