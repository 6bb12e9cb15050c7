#!/usr/bin/env bash
# Builds the soak's load beside build/release/gantry and runs it. Arguments go to bench/soak.py (see --help there).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release -DGANTRY_BENCH=ON soak_load
exec python3 bench/soak.py "$@"
