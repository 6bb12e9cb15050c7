#!/usr/bin/env bash
# Builds the bench's tools beside build/release/gantry, measures, and holds instruction counts to their baseline.
# Arguments go to bench/run.py (see --help there).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh release -DGANTRY_BENCH=ON bench_load bench_upstream bench_instructions
verdict=0
python3 bench/run.py "$@" || verdict=$?
case " $* " in *" --help "* | *" -h "*) exit 0 ;; esac
[ "$verdict" -lt 2 ] || exit "$verdict"
echo
bench/instructions/check.py || verdict=1
exit "$verdict"
