# One way to do each task; each works from a clean clone. `make help` lists them.

PYTHON ?= python3
PYTEST_ARGS ?=
CONFORMANCE_ARGS ?=
BENCH_ARGS ?=
MINUTES ?= 5
QUICK ?= tests/architecture tests/kernel tests/waiting
PYTHONS ?= python3.11 python3.12 python3.13 python3.14 python3.15

# An environment for each version of Python, side by side: .venv/3.13
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d%s" % (sys.version_info[:2] + (sys.abiflags,)))' 2>/dev/null)
VENV := .venv/$(or $(VERSION),missing)
BIN := $(VENV)/bin
TOOLS := $(VENV)/.tools
RELEASE_TOOLS := $(VENV)/.release
DOCS_TOOLS := $(VENV)/.docs

# Each version has its own extension module in the package: _ferrio.cpython-313-x86_64-linux-gnu.so
SUFFIX := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))' 2>/dev/null)
EXTENSION := python/ferrio/_ferrio$(SUFFIX)
START_UP_FILE := start/platlib/ferrio_start.pth
RUST_SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml -o -name build.rs)

# For how many seconds, or from which seed, tests draw their cases by chance. Without these the cases are always the same.
export SECONDS SEED
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where rustup puts cargo; a shell that was open at the time does not know it yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
# The bindings are always built for the environment's Python, so that no target builds again what another has built.
export VIRTUAL_ENV := $(abspath $(VENV))
export PYO3_PYTHON := $(VIRTUAL_ENV)/bin/python

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  PYTHON=python3.13 chooses another Python, PYTEST_ARGS='-k name' is handed on to pytest."

.PHONY: run
run: $(EXTENSION) ## set up, build, run examples/aiohttp_fetch.py on ferrio, and time it on asyncio's loop, too
	$(BIN)/python -m benchmarks.program examples/aiohttp_fetch.py

.PHONY: run-rust
run-rust: | prerequisites ## build and run a Rust program on ferrio, without Python: crates/ferrio/examples/concurrent_sleeps.rs
	cargo run -p ferrio --example concurrent_sleeps

.PHONY: test
test: say-how-long test-rust test-python ## set up, build, and pass all tests: about 15 minutes on 2 cores

.PHONY: quick
quick: $(EXTENSION) ## the tests that find most mistakes, in about a minute
	$(BIN)/python -m pytest $(QUICK) $(PYTEST_ARGS)

.PHONY: say-how-long
say-how-long:
	@echo 'The build takes about 4 minutes the first time, the tests about 15 (2 cores). "make quick" takes a minute.'

.PHONY: test-rust
test-rust: | prerequisites ## the tests of the Rust crate
	@if cargo nextest --version >/dev/null 2>&1; then \
		echo 'cargo nextest run -p ferrio' && cargo nextest run -p ferrio && \
		echo 'cargo test -p ferrio --doc' && cargo test -p ferrio --doc; \
	else \
		echo 'cargo test -p ferrio' && cargo test -p ferrio; \
	fi

.PHONY: test-python
test-python: $(EXTENSION) servers ## the tests of the Python package
	$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: servers
servers: ## get the servers that tests talk to and the machine lacks, into target/servers
	@tests/programs/get-servers.sh target/servers

.PHONY: conformance
conformance: $(EXTENSION) ## CPython's own asyncio tests on ferrio's loop (needs Python's test package)
	$(BIN)/python tests/conformance/run.py $(CONFORMANCE_ARGS)
	$(BIN)/python tests/conformance/run.py --accelerate $(CONFORMANCE_ARGS)

.PHONY: conformance-all
conformance-all: ## the same on every Python named in PYTHONS
	@for python in $(PYTHONS); do \
		echo "== $$python"; $(MAKE) --no-print-directory conformance PYTHON=$$python || exit 1; \
	done

# For both: SECONDS=600 draws new cases for so long, SEED=17 shows one again.
.PHONY: faults
faults: $(EXTENSION) ## the tests under faults in system calls
	$(BIN)/python -m pytest tests/faults $(PYTEST_ARGS)

.PHONY: hostile
hostile: $(EXTENSION) ## the tests with hostile peers
	$(BIN)/python -m pytest tests/hostile_peers $(PYTEST_ARGS)

.PHONY: calls
calls: $(EXTENSION) ## call everything with random arguments, on asyncio and on ferrio, for SECONDS
	PYTHONPATH=. $(BIN)/python -m tests.calls $(or $(SECONDS),60)

.PHONY: fuzz
fuzz: $(EXTENSION) ## property tests of the buffers, the datagram queue and addresses with new random values, for SECONDS
	tests/fuzz/run.sh $(BIN)/python $(or $(SECONDS),60)

.PHONY: soak
soak: $(EXTENSION) ## every kind of connection, process, timer and cancellation in one program, for MINUTES
	PYTHONPATH=. $(BIN)/python -m tests.soak --minutes $(MINUTES)

.PHONY: debug
debug: $(EXTENSION) ## the tests on a debug build of CPython, with a count of references around each: PYTHON=python3.14-dbg
	FERRIO_PORTABLE=recycling PYTHONMALLOC=debug $(BIN)/python -m pytest -p tests.debug_build.plugin $(PYTEST_ARGS)

.PHONY: loom
loom: | prerequisites ## the engine's queue for other threads in every order of events that its loom models allow
	RUSTFLAGS='--cfg loom' CARGO_TARGET_DIR=target/loom cargo test -p ferrio --lib --release models

.PHONY: portable
portable: $(EXTENSION) ## the tests with documented interfaces of the interpreter only (FERRIO_PORTABLE=1)
	FERRIO_PORTABLE=1 $(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: docs
docs: $(DOCS_TOOLS) $(EXTENSION) ## build the documentation site into target/docs; a warning is an error
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet -p ferrio --no-deps --target-dir target/rustdoc
	$(BIN)/python -m sphinx -b html -W --keep-going -n --doctree-dir target/doctrees docs target/docs
	rm -rf target/docs/rust && cp -r target/rustdoc/doc target/docs/rust
	@echo 'The site begins in target/docs/index.html'

.PHONY: docs-test
docs-test: $(DOCS_TOOLS) $(EXTENSION) servers ## run all programs of the documentation, on both loops
	FERRIO_DOCS_GROUP=1 $(BIN)/python -m pytest tests/docs $(PYTEST_ARGS)

.PHONY: lint
lint: $(EXTENSION) ## check formatting, types, and for everything that the linters know
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	cd tests && $(abspath $(BIN))/python -m mypy.stubtest --mypy-config-file ../pyproject.toml ferrio._ferrio
	PYTHONPATH=python $(BIN)/pyright --pythonpath $(BIN)/python --verifytypes ferrio --ignoreexternal

.PHONY: format
format: $(TOOLS) ## format all sources
	cargo fmt --all
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: build
build: $(EXTENSION) ## build the extension module in release mode, into the environment

.PHONY: wheels
wheels: $(RELEASE_TOOLS) ## build, check and try a wheel for each Python in PYTHONS that is there, into dist/
	$(BIN)/python release/wheels.py $(foreach python,$(PYTHONS),$(shell command -v $(python)))

.PHONY: sdist
sdist: $(RELEASE_TOOLS) ## build and check the sdist, and try a wheel that was built from it
	$(BIN)/python release/sdist.py

.PHONY: crate
crate: | prerequisites ## pack the engine's crate and build it from the package, as for crates.io
	cargo publish -p ferrio --dry-run

.PHONY: dependencies
dependencies: ## check the crates' licences, advisories, duplicates and sources (needs cargo-deny)
	cargo deny check

.PHONY: bench
bench: $(EXTENSION) ## measure asyncio, uvloop, zuvloop and ferrio side by side: BENCH_ARGS='--only Tasks'
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: bench-results
bench-results: $(EXTENSION) ## measure everything, into benchmarks/RESULTS.md and the plots of the documentation
	$(BIN)/python -m benchmarks --repeat 8 --seconds 0.1 --out benchmarks/RESULTS.md --plots docs/plots $(BENCH_ARGS)

.PHONY: clean
clean: ## remove everything that was built, and the environments
	rm -rf .venv dist target python/ferrio/_ferrio*.so .pytest_cache .mypy_cache .ruff_cache
	find python tests examples docs -name __pycache__ -prune -exec rm -rf {} +

# maturin leaves the module alone if it would be the same: without the touch, make would ask it again each time.
$(EXTENSION): $(RUST_SOURCES) $(START_UP_FILE) $(TOOLS)
	PIP_QUIET=1 $(BIN)/maturin develop --release
	@touch $@

$(TOOLS): pyproject.toml | prerequisites
	@test -x $(BIN)/python || { \
		echo 'Making an environment in $(VENV)'; \
		$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
			$(PYTHON) -m venv --clear --without-pip $(VENV) && \
			$(PYTHON) -m pip --quiet --python $(BIN)/python install pip; \
		}; \
	} || { \
		rm -rf $(VENV); \
		echo '$(PYTHON) has neither pip nor what it takes to install it (on Debian and Ubuntu: python3-venv)' >&2; \
		exit 1; \
	}
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python release/requirements.py tools | $(BIN)/python -m pip install --quiet --upgrade -r /dev/stdin
	@touch $@

$(RELEASE_TOOLS): $(TOOLS)
	$(BIN)/python -m pip install --quiet --upgrade --group release
	@touch $@

# For .pre-commit-config.yaml.
.PHONY: print-bin
print-bin:
	@echo $(BIN)

$(DOCS_TOOLS): $(TOOLS)
	$(BIN)/python release/requirements.py docs | $(BIN)/python -m pip install --quiet --upgrade -r /dev/stdin
	@touch $@

.PHONY: prerequisites
prerequisites:
	@command -v cargo >/dev/null || { \
		echo 'ferrio is built by cargo, which is not on the PATH. Install Rust: https://rustup.rs' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'ferrio needs CPython 3.11 or newer, and "$(PYTHON)" is none ($(or $(VERSION),it does not run)).' \
			'Name another: make $(MAKECMDGOALS) PYTHON=python3.13' >&2; exit 1; }
