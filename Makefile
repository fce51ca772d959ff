SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
TOOL    := go tool -modfile=make/tools/go.mod
SOURCES := $(shell find src make -name '*.go' -o -name '*.sql' -path 'make/*') $(shell find src/portal -type f 2>/dev/null) docs/embed.go docs/openapi.yaml go.mod go.sum

FUZZ_TIME ?= 10s
DATA_DIR  ?= ./data

.PHONY: help
help: ## print this
	@awk -F ':.*## ' '/^[a-z0-9\/-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##
.PHONY: build
build: bin/harborhook ## build bin/harborhook, one static binary

bin/harborhook: $(SOURCES) bin/version
	@[ -e $@ ] || echo "Building harborhook; the first time takes a minute or two"
	$(BUILD) -o $@ ./src/cmd/harborhook

# Changes when the version does, so that a tag is in the binary.
bin/version: always
	@mkdir -p bin
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
.PHONY: always
always:

# What makes packages; no package of Debian has it.
bin/nfpm: make/dist/go.mod make/dist/go.sum
	@echo "Building nfpm; the first time takes a minute or two"
	CGO_ENABLED=0 go build -modfile=make/dist/go.mod -ldflags '-s -w' -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm
	@touch $@

DIST ?= dist
.PHONY: dist
dist: bin/harborhook bin/nfpm ## write a Debian package and an archive into dist/, and their checksums
	make/dist/build.sh bin/harborhook bin/nfpm $(DIST)

.PHONY: run
run: bin/harborhook ## build, and run everything in one process
	@exec bin/harborhook standalone --data-dir $(DATA_DIR)

.PHONY: demo
demo: ## push an image to the running standalone and show the webhook it causes
	@go run ./src/cmd/demo --data-dir $(DATA_DIR)

.PHONY: deps
deps: ## install what the tests need (Debian and Ubuntu packages)
	@make/dev/install-deps.sh

.PHONY: test
test: test/race e2e ## every test: units, store conformance, end to end; race detector on

.PHONY: test/race
test/race: deps bin/harborhook bin/nfpm ## unit tests and store conformance, race detector on
	make/dev/with-services.sh go test -race -timeout 10m $$(go list ./... | grep -v -e /tests/e2e -e /tests/security -e /tests/listen)

# The clients that people use; no package of Debian has them.
CLIENTS := bin/clients/crane bin/clients/helm bin/clients/oras
$(CLIENTS) &: make/clients/go.mod make/clients/go.sum
	@echo "Building crane, helm and oras for the tests; the first time takes a few minutes"
	CGO_ENABLED=0 go build -modfile=make/clients/go.mod -ldflags '-s -w' -o bin/clients/ tool
	@touch $(CLIENTS)

.PHONY: e2e
e2e: deps $(CLIENTS) ## end-to-end tests in both shapes, with race-detecting binaries
	PATH="$(CURDIR)/bin/clients:$$PATH" make/dev/with-services.sh go test -race -p 1 -timeout 15m -count=1 -parallel 4 ./tests/e2e/... ./tests/security/...

.PHONY: contract
contract: bin/harborhook deps ## run Go clients of Harbor, unchanged, against servers of both shapes
	make/dev/with-standalone.sh make/dev/contract.sh
	make/dev/with-services.sh make/dev/with-production.sh make/dev/contract.sh

.PHONY: dashboard
dashboard: bin/harborhook deps ## bring a production into states that the dashboard must tell apart, and read it with Prometheus' engine
	TEST_BINARY=$(CURDIR)/bin/harborhook go -C tests/dashboard test -count=1 -timeout 15m -parallel 8 ./...

.PHONY: listen
listen: bin/harborhook deps ## measure how soon harborhook listen shows that an image was pushed
	TEST_BINARY=$(CURDIR)/bin/harborhook make/dev/with-services.sh go test -count=1 -v ./tests/listen

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZ_TIME (default 10s)
	@for package in $$(go list ./src/...); do \
		for name in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZ_TIME) -fuzzminimizetime 10x $$package; \
		done; \
	done

.PHONY: bench
bench: bin/harborhook deps ## measure latency and throughput of both shapes
	go run ./tests/bench -binary bin/harborhook $(BENCH)

# The inner functions of the way of an event.
INNER := ^Benchmark(Decode|Delivery|Send|GuardAndRedaction|Hints|Match50Policies)$$ ^BenchmarkRender$$/.*/^pushImage$$
.PHONY: bench/go
bench/go: deps ## compare the Go benchmarks of the inner functions with the kept baseline (BASELINE=1: write it)
	@for pattern in $(foreach p,$(INNER),'$(p)'); do \
		go test -run '^$$' -bench "$$pattern" -benchmem -count 6 ./src/... || exit 1; \
	done > bin/bench.log || { cat bin/bench.log; exit 1; }
	@grep -E '^(goos|goarch|pkg|Benchmark)' bin/bench.log > bin/bench.txt
	$(if $(BASELINE),cp bin/bench.txt tests/bench/baseline.txt,$(TOOL) benchstat tests/bench/baseline.txt bin/bench.txt)

.PHONY: bench/logs
bench/logs: deps ## measure lists, searches and pages of a large log of deliveries
	make/dev/with-services.sh go run ./tests/bench/logs $(BENCH)

.PHONY: chaos
chaos: bin/harborhook deps ## break running systems under load and count what is lost (LONG=1: for longer)
	TEST_BINARY=$(CURDIR)/bin/harborhook CHAOS=$(if $(LONG),long,short) go test -count=1 -parallel 4 -timeout 60m -v ./tests/chaos

.PHONY: cover
cover: deps ## print the coverage of the unit tests
	make/dev/with-services.sh go test -coverpkg=./src/... -coverprofile=cover.out $$(go list ./... | grep -v /tests/)
	@go tool cover -func=cover.out | tail -n 1

.PHONY: fmt
fmt: ## format all sources
	$(TOOL) gofumpt -w src make tests

.PHONY: generate
generate: ## write generated files: configuration template and page, golden payloads and their documentation
	go test ./src/config -run TestTheTemplateIsUpToDate -count=1 -update
	go test ./src/core/payload -run 'TestEverySampleRendersToItsGoldenFile|TestTheDocumentedExamplesAreCurrent' -count=1 -update
	go test ./tests/docs -run TestTheLicencesInTheBinaryAreAllowedAndDocumented -count=1 -update

.PHONY: lint
lint: ## run the linters
	$(TOOL) golangci-lint run ./...

.PHONY: verify
verify: ## check formatting, modules, lint and import rules
	@unformatted=$$($(TOOL) gofumpt -l src make tests); \
		[ -z "$$unformatted" ] || { echo "not formatted; run make fmt: $$unformatted"; exit 1; }
	go mod tidy -diff
	go vet ./...
	go test ./tests/arch
	$(MAKE) --no-print-directory lint

.PHONY: vuln
vuln: ## look for known vulnerabilities that docs/security.md does not explain
	make/dev/vuln.sh

.PHONY: sbom
sbom: bin/harborhook ## write dist/harborhook.cdx.json, what the binary contains (CycloneDX)
	@mkdir -p dist
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0 bin -json -licenses -output dist/harborhook.cdx.json bin/harborhook

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist cover.out
