# The front door. `make run` and `make test` install what they need (packages.txt) and work on a bare Debian 12.
.DEFAULT_GOAL := help
.PHONY: run test build bench profile soak fuzz format help

# Passed on to Gantry: make run ARGS="--listen 127.0.0.1:9000"
ARGS ?=

run: build ## build, then verify and serve; simulated unless OPENROUTER_API_KEY is set
	@exec build/release/gantry up $(if $(OPENROUTER_API_KEY),,--sim) $(ARGS)

test: ## every check that CI makes (STAGES="format unit" for some)
	@scripts/install.sh build test
	@scripts/test.sh $(STAGES)

build: ## the release binary, build/release/gantry
	@scripts/install.sh build
	@scripts/build.sh release gantry

bench: ## the gateway and nginx side by side; table and build/bench/results.json
	@scripts/install.sh build test bench
	@scripts/build.sh release gantry
	@bench/run.sh $(ARGS)

profile: ## count anew what the binary does under load, for the release build (bench/profile)
	@scripts/install.sh build test
	@scripts/build.sh profile gantry
	@bench/profile/train.py

soak: ## ten minutes of calls with faults and hang-ups, after which all has to add up (ARGS="--seconds 60" for less)
	@scripts/install.sh build test
	@scripts/build.sh release gantry
	@bench/soak.sh $(ARGS)

fuzz: ## every fuzz target for FUZZ_SECONDS (60) each
	@scripts/install.sh build test
	@scripts/fuzz.sh

format: ## lay out the C++ files as the format check wants them
	@scripts/install.sh test
	@git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs -r clang-format-19 -i

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
	  printf '  make %-8s %s\n' "$$name" "$$what"; done
