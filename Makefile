# Stele. `make` lists the targets; `make run` and `make test` do all the set-up they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
VERSION     ?= 0.1.0-dev.$(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS     := -s -w -X main.version=$(VERSION)
TARGETS     := linux/amd64 linux/arm64 darwin/arm64 windows/amd64
RUN_FLAGS   ?=
FUZZ_TIME   ?= 10m
ENDURANCE   ?= 1h
PREFIX      ?= /usr/local
PAGE_SOURCES := $(shell find ui/src ui/index.html ui/vite.config.ts ui/package-lock.json 2>/dev/null)

.PHONY: help run build capi capi-debug capi-windows install page check lint cross test test-go test-page test-browser test-clients test-hosts test-hosts-short test-long mutations fuzz soak endurance bench bench-scale bench-backup bench-queries bench-growth bench-duckdb bench-mixed bench-embedded bench-capi bench-files bench-protocols clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

run: build ## build everything and start the server on http://localhost:5341, data in ./data
	exec bin/stele serve $(RUN_FLAGS)

build: page ## build bin/stele with the page inside
	@ci/need go
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/stele ./cmd/stele

page: ui/dist/index.html ## build the page into ui/dist

# How libstele is linked: only stele_* is to be seen; soname; calls bound at load; and the shim's answer to the runtime's question for a thread's stack.
CAPI_LINK := -Wl,--version-script=$(CURDIR)/capi/exports.map -Wl,-soname,libstele.so.1 -Wl,-z,now -Wl,--wrap=pthread_getattr_np

capi: page ## build the C library: bin/capi/libstele.so and libstele.a
	@ci/need go cc
	@mkdir -p bin/capi
	CGO_ENABLED=1 go build -trimpath -buildmode=c-shared -ldflags "$(LDFLAGS) -extldflags '$(CAPI_LINK)'" -o bin/capi/libstele.so ./capi
	CGO_ENABLED=1 go build -trimpath -buildmode=c-archive -ldflags "$(LDFLAGS)" -o bin/capi/libstele.a ./capi
	@ln -sf libstele.so bin/capi/libstele.so.1
	@rm -f bin/capi/libstele.h

capi-debug: page ## build the C library with its symbols and without optimisation, for debuggers (docs/debugging.md)
	@ci/need go cc
	@mkdir -p bin/capi-debug
	CGO_CFLAGS="-g -O0" go build -gcflags='all=-N -l' -buildmode=c-shared -ldflags "-compressdwarf=false -extldflags '$(CAPI_LINK)'" -o bin/capi-debug/libstele.so ./capi
	CGO_CFLAGS="-g -O0" go build -gcflags='all=-N -l' -buildmode=c-archive -ldflags "-compressdwarf=false" -o bin/capi-debug/libstele.a ./capi
	@ln -sf libstele.so bin/capi-debug/libstele.so.1
	@rm -f bin/capi-debug/libstele.h

capi-windows: page ## build stele.dll and its import library with mingw-w64
	@ci/need go mingw
	@mkdir -p bin/capi-windows
	(echo EXPORTS; sed 's/^/    /' capi/symbols.txt) > bin/capi-windows/stele.def
	CGO_ENABLED=1 GOOS=windows GOARCH=amd64 CC=x86_64-w64-mingw32-gcc go build -trimpath -buildmode=c-shared \
	  -ldflags "$(LDFLAGS) -extldflags '-static-libgcc $(CURDIR)/bin/capi-windows/stele.def'" -o bin/capi-windows/stele.dll ./capi
	x86_64-w64-mingw32-dlltool -d bin/capi-windows/stele.def -D stele.dll -l bin/capi-windows/libstele.dll.a
	@rm -f bin/capi-windows/stele.h

install: capi ## install libstele, its header, and its pkg-config and CMake files below PREFIX
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/lib/cmake/stele
	install -m 644 include/stele.h bindings/cpp/include/stele.hpp $(DESTDIR)$(PREFIX)/include
	install -m 644 bin/capi/libstele.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 bin/capi/libstele.so $(DESTDIR)$(PREFIX)/lib/libstele.so.1
	ln -sf libstele.so.1 $(DESTDIR)$(PREFIX)/lib/libstele.so
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' capi/dist/stele.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/stele.pc
	install -m 644 capi/dist/stele-config.cmake $(DESTDIR)$(PREFIX)/lib/cmake/stele
	sed 's|@NUMBER@|$(firstword $(subst -, ,$(VERSION)))|' capi/dist/stele-config-version.cmake.in > $(DESTDIR)$(PREFIX)/lib/cmake/stele/stele-config-version.cmake

ui/dist/index.html: ui/node_modules/.installed $(PAGE_SOURCES)
	cd ui && npm run --silent build

ui/node_modules/.installed: ui/package-lock.json
	@ci/need node
	cd ui && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

e2e/clients/node_modules/.installed: e2e/clients/package-lock.json
	@ci/need node
	cd e2e/clients && npm ci --no-audit --no-fund --loglevel=error --ignore-scripts
	@touch $@

bench/duckdb/node_modules/.installed: bench/duckdb/package-lock.json # not npm ci, which asks for each platform in the lock file
	@ci/need node
	cd bench/duckdb && npm install --no-save --no-audit --no-fund --loglevel=error --ignore-scripts
	@touch $@

check: lint cross ## formatting, vet, staticcheck, types of the page, cross-compilation

lint: ui/node_modules/.installed
	@ci/need go node
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofmt-clean:"; echo "$$out"; exit 1; }
	go vet ./...
	cd bench && go vet ./...
	go run $(STATICCHECK) ./...
	cd ui && npm run --silent check

cross:
	@ci/need go
	@for target in $(TARGETS); do \
	  echo "build $$target"; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go build -o /dev/null ./cmd/stele; \
	done

test: test-go test-page test-browser test-clients test-hosts-short ## every kind of test once: Go under the race detector, page, browser, the binary with its clients

test-go:
	@ci/need go cc
	go test -race -timeout 10m $$(go list ./... | grep -v /e2e$$)
	go test -timeout 5m -run 'TestCrashPoints$$|TestFaultPoints|TestDamagePoints|TestSchemaExplosion|TestEveryCallMayFail' .
	go test -timeout 5m ./internal/metamorphic

test-page: ui/node_modules/.installed
	cd ui && npm test --silent

test-browser: build
	@ci/need chromium
	cd ui && STELE_BIN=$(CURDIR)/bin/stele npm run --silent e2e

test-clients: build e2e/clients/node_modules/.installed # they wait more than they work: eight at once
	-@ci/need rsyslog
	STELE_BIN=$(CURDIR)/bin/stele go test -count=1 -timeout 10m -parallel 8 ./e2e

# Each of these is a script that runs alone too: it skips with a line what the machine has no tools for.
HOSTS := $(patsubst %/check,%,$(wildcard capi/conformance/check capi/torture/check capi/hosts/*/check bindings/*/check examples/*/check))

test-hosts-short: capi
	@for host in $(HOSTS); do echo "$$host"; $$host/check || exit 1; done

test-hosts: capi capi-windows ## libstele from every language, sanitizers and torture included
	@for host in $(HOSTS); do echo "$$host"; $$host/check --long || exit 1; done
	capi/windows/check
	ci/check-install

test-long: build ## the long versions: 1,000 kills, more crash points, more random operations
	@ci/need go cc
	STELE_LONG=1 go test -timeout 2h -count=1 -v -run 'TestMetamorphic$$' ./internal/metamorphic
	STELE_LONG=1 STELE_BIN=$(CURDIR)/bin/stele go test -race -timeout 3h -count=1 ./...
	go run ./ci/mutate

mutations: ## break the code line by line, as ci/mutations.txt lists, and see tests fail
	@ci/need go
	go run ./ci/mutate

fuzz: ## every fuzz target for FUZZ_TIME (default 10m) each
	@ci/need go
	ci/fuzz $(FUZZ_TIME)

soak: ## every decoder's fuzz target with ten million inputs made by chance from its corpus
	@ci/need go
	ci/soak 10000000

endurance: build ## the server under 20,000 events a second for ENDURANCE (default 1h), with retention by size
	STELE_BIN=$(CURDIR)/bin/stele go test ./e2e -count=1 -run TestEndurance -v -timeout 0 -endurance $(ENDURANCE)

# Figures that a machine at rest gives are in docs/performance.md. All need ../shared/bench, bench-files ../shared/data.
bench: build ## five million events over HTTP, beside VICTORIALOGS=path of its binary if given
	cd bench && go run . -stele $(CURDIR)/bin/stele $(if $(VICTORIALOGS),-victorialogs $(abspath $(VICTORIALOGS))) $(BENCH_FLAGS)

bench-scale: build ## how the cost of ingestion grows: 1, 5 and 20 million events
	cd bench && go run . -stele $(CURDIR)/bin/stele -scale $(BENCH_FLAGS)

bench-backup: build ## backups of a million events: the first, the next, checked, restored
	cd bench && go run . -stele $(CURDIR)/bin/stele -backup -n 1000000 $(BENCH_FLAGS)

bench-queries: build ## the same questions asked of Stele and of VICTORIALOGS, cold and warm
	cd bench && go run . -stele $(CURDIR)/bin/stele -queries $(if $(VICTORIALOGS),-victorialogs $(abspath $(VICTORIALOGS))) $(BENCH_FLAGS)

bench-growth: build ## how the times of the questions grow: 5 and 20 million events
	cd bench && go run . -stele $(CURDIR)/bin/stele -growth $(if $(VICTORIALOGS),-victorialogs $(abspath $(VICTORIALOGS))) $(BENCH_FLAGS)

bench-duckdb: build ## the same questions asked of Stele and of DuckDB over Parquet, cold and warm
	-@$(MAKE) --no-print-directory bench/duckdb/node_modules/.installed
	cd bench && go run . -stele $(CURDIR)/bin/stele -duckdb $(BENCH_FLAGS)

bench-mixed: build ## queries beside ingestion, and each alone
	cd bench && go run . -stele $(CURDIR)/bin/stele -mixed $(BENCH_FLAGS)

bench-embedded: ## package stele beside bbolt, Pebble and SQLite
	@ci/need go cc
	cd bench && go build -o work/embedded ./embedded && work/embedded $(BENCH_FLAGS)

bench-capi: capi ## events read through libstele, beside the Go package, SQLite and RocksDB
	cd bench && go build -o work/boundary-bench ./boundary && work/boundary-bench $(BENCH_FLAGS)

bench-files: build ## bytes on disk of real logs, beside zstd
	cd bench && go run ./files -stele $(CURDIR)/bin/stele $(BENCH_FLAGS)

bench-protocols: build ## the same events by every protocol, compared with CLEF
	cd bench && go run . -stele $(CURDIR)/bin/stele -protocols -n 500000 -batch-bytes 1048576 $(BENCH_FLAGS)

clean: ## remove what was built; data stay
	rm -rf bin ui/dist/assets ui/dist/index.html ui/node_modules e2e/clients/node_modules bench/duckdb/node_modules bench/work
