# What a person types. Each target sets up what is missing, says what it does, and skips what is done.
.DEFAULT_GOAL := help
.PHONY: help run run-full standalone demo playbook test bench fuzz soak setup lint clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Edge on workerd, core in memory, sandbox with its inbox page
	@scripts/run.sh edge

run-full: ## The same on Redis and RabbitMQ (REDIS_URL, AMQP_URL, or started here)
	@scripts/run.sh full

standalone: ## Everything in one native process, no wasm
	@scripts/run.sh standalone

demo: ## Failover, shown: SMS goes dark, the code comes by WhatsApp; then by a call
	@scripts/demo.sh

playbook: ## The life of an order on Redis and RabbitMQ: confirm, watch, cancel, retry, escalate
	@scripts/playbook.sh

test: ## Every test, on real workerd, Redis, RabbitMQ and Chromium
	@scripts/test.sh

bench: ## Benchmarks, each with its floor; results in target/bench/
	@scripts/setup.sh rust node wasm
	@scripts/build-edge.sh
	@cargo build --quiet --release --bin tiffin
	@cargo run --quiet --release -p tiffin-tests --bin bench

fuzz: ## Every parser under libFuzzer, two at a time: make fuzz SECONDS=300 (default 60 each)
	@scripts/fuzz.sh $(or $(SECONDS),60)

soak: ## Every property with more random inputs than make test gives it: make soak TIMES=50 (default 20)
	@scripts/setup.sh rust
	@PROPTEST_CASES=$$((256 * $(or $(TIMES),20))) PROPTEST_MAX_GLOBAL_REJECTS=$$((1024 * $(or $(TIMES),20))) \
		cargo test --quiet -p tiffin-shared -p tiffin-core

setup: ## Only install what is missing
	@scripts/setup.sh all

lint: ## Formatting and lints, as the tests check them
	@cargo fmt --check
	@cargo clippy --workspace --exclude tiffin-edge --all-targets -- -D warnings

clean: ## Remove what was built and this clone's development keys
	@rm -rf target edge/build edge/node_modules .tiffin .wrangler
