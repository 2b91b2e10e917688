# `make` lists the targets. Needed beforehand: git, make, a C compiler and Rust (rustup takes the
# version of rust-toolchain.toml); what else a target needs it finds or installs, and says so.

SHELL := /bin/sh
.DEFAULT_GOAL := help

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := target/tools/bin/cargo-deny
BROWSER_TESTS := tests/browser
DEMO := $(or $(CARGO_TARGET_DIR),target)/debug/demo

BENCH_PROGRAM := $(or $(CARGO_TARGET_DIR),target)/release/bench

.PHONY: help demo bench load test test-rust test-relay-full test-walk test-browser screens check check-format check-lints \
	check-dependencies check-generated check-openapi check-events openapi asyncapi proto check-deployment fmt build clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  make demo takes KEEP=1 (keep the state between starts), PORT_BASE=n (add n to every\n'
	@printf '  port), ONCE=1 (walk the seven steps and end), TLS=1 (everything over https) and\n'
	@printf '  DATABASE_URL=... (a PostgreSQL to use).\n'

demo: build ## Start everything on this machine; Ctrl-C stops it
	@exec $(DEMO) run

test: test-rust test-walk test-browser ## Every test, on a real PostgreSQL and Kafka and in a real browser

test-rust: build ## The tests in Rust only
	$(DEMO) with-services -- cargo test --workspace --locked

test-relay-full: build ## The relay killed 50 times under load, and Kafka away for a minute: some minutes
	RELAY_KILLS=50 RELAY_OUTAGE_SECONDS=60 $(DEMO) with-kafka -- \
		cargo test --locked -p consent-relay --test crash -- --nocapture --test-threads=1 whenever while_kafka

test-walk: build ## The demonstration, walking the seven steps by itself, without TLS and over it
	$(DEMO) run --once --port-base free --directory target/walk
	$(DEMO) run --once --tls --port-base free --directory target/walk-tls

test-browser: build ## The tests in Chromium only
	@scripts/find-browser-tools
	cd $(BROWSER_TESTS) && npm ci --no-audit --no-fund
	npm test --prefix $(BROWSER_TESTS)

bench: ## Ratios against PostgreSQL itself, on a quiet machine; BENCH="--help" lists options
	cargo build --release --locked --package bench
	$(BENCH_PROGRAM) $(BENCH)

load: ## A PostgreSQL with EVENTS generated events of three years (1000000; SEED=1); runs until Ctrl-C
	cargo build --release --locked --package bench
	$(BENCH_PROGRAM) load --events $(or $(EVENTS),1000000) --seed $(or $(SEED),1) $(LOAD)

screens: ## Every page and every refusal as pictures, in both languages, wide and narrow
	cargo test --locked -p consent --lib write_every_page -- --ignored
	@scripts/find-browser-tools
	cd $(BROWSER_TESTS) && npm ci --no-audit --no-fund
	npm run screens --prefix $(BROWSER_TESTS)

check: check-format check-lints check-dependencies check-generated check-deployment ## Format, lints, dependency policy, generated and deployment files

check-format: ## Whether everything is formatted
	cargo fmt --all --check

check-lints: ## Clippy, with warnings as errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

check-dependencies: $(CARGO_DENY) ## The dependency policy of deny.toml and of the workspace
	$(CARGO_DENY) --locked check --allow unused-wrapper bans licenses sources
	cargo test --locked -p demo --test dependency_policy

# Each generated file that is committed adds a prerequisite here which writes it anew and compares.
check-generated: check-openapi check-events

check-openapi: build ## Whether docs/openapi is what the code says, and valid
	@scripts/check-openapi

check-events: ## Whether the public events' descriptors and docs/asyncapi.yaml are what the schema says, and break nobody
	cargo test --locked -p renkei-proto --test public_events
	cargo test --locked -p public-events --test it asyncapi

proto: ## Write the committed descriptors of the public events anew, unless that would break a reader
	UPDATE_DESCRIPTORS=1 cargo test --locked -p renkei-proto --test public_events

asyncapi: proto ## Write docs/asyncapi.yaml anew
	UPDATE_ASYNCAPI=1 cargo test --locked -p public-events --test it asyncapi

openapi: build ## Write docs/openapi anew
	@scripts/openapi docs/openapi

check-deployment: build ## Dockerfile, compose file, Kubernetes manifests, and what the programs take of them
	@scripts/check-deployment

fmt: ## Format everything
	cargo fmt --all

build: ## Build every program
	cargo build --workspace --bins --locked

clean: ## Remove what was built, logs and kept state under target/
	cargo clean

$(CARGO_DENY):
	@echo "cargo-deny $(CARGO_DENY_VERSION) is missing: building it into target/tools (once, some minutes)."
	cargo install --locked --version $(CARGO_DENY_VERSION) cargo-deny --root target/tools
