#!/usr/bin/env bash
# Configures a preset and builds the given targets: scripts/build.sh PRESET [TARGET…] [-DNAME=VALUE…]
# GANTRY_JOBS bounds the parallel compilers (default: one a core).
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
options=() targets=()
for argument in "$@"; do
  case "$argument" in -D*) options+=("$argument") ;; *) targets+=("$argument") ;; esac
done
cmake --preset "$preset" "${options[@]}" >"/dev/null"
ninja -C "build/$preset" -j "${GANTRY_JOBS:-$(nproc)}" --quiet "${targets[@]}"
