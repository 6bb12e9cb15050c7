#!/usr/bin/env bash
# Everything that CI checks, in stages: scripts/test.sh [STAGE…]. A failed stage does not stop the others; the last line
# sums the tests of all of them, and the exit code is 0 only if every stage passed.
set -uo pipefail
cd "$(dirname "$0")/.."

all_stages=(format headers release unit tidy tsan e2e)
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=("${all_stages[@]}")

reports=build/reports
rm -rf "$reports"
mkdir -p "$reports"
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
export TSAN_OPTIONS="second_deadlock_stack=1:${TSAN_OPTIONS:-}"
for tool in ASAN UBSAN TSAN; do
  symbolizer=${tool}_SYMBOLIZER_PATH
  export "$symbolizer=/usr/bin/llvm-symbolizer-19"
done

# Runs a preset's ctest. A gtest binary is one ctest test, so each also writes its own cases for the sum.
run_ctest() {
  local preset=$1 folder
  folder="$PWD/$reports/$preset"
  mkdir -p "$folder/gtest"
  GTEST_OUTPUT="xml:$folder/gtest/" ctest --test-dir "build/$preset" -j "$(nproc)" --output-on-failure --progress \
    --no-tests=error --output-junit "$folder/ctest.xml"
}

stage_format() {
  git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs -r clang-format-19 --dry-run -Werror
}

# Each header compiles on its own, so that the order of includes never matters. One that the source of its name includes
# first is compiled so by every build; the others are compiled here.
stage_headers() {
  local header source headers=()
  while read -r header; do
    source=${header%.hpp}.cpp
    [ -f "$source" ] && grep -m 1 '^#include' "$source" | grep -qF "\"${header#src/}\"" || headers+=("$header")
  done < <(git ls-files -co --exclude-standard 'src/*.hpp' 'include/*.hpp')
  printf '%s\n' "${headers[@]}" | xargs -r -P "$(nproc)" -n 1 \
    clang++-19 -std=c++23 -Isrc -Iinclude -Wall -Wextra -Werror -Wno-pragma-once-outside-header -fsyntax-only -x c++
}

stage_release() { scripts/build.sh release gantry; }

stage_unit() {
  scripts/build.sh dev -DGANTRY_WERROR=ON || return
  run_ctest dev
}

stage_tidy() { scripts/tidy.sh; }

stage_tsan() {
  cmake --preset tsan -DGANTRY_WERROR=ON >/dev/null || return
  local targets
  mapfile -t targets < <(ctest --test-dir build/tsan -N | sed -nE 's/^ *Test +#[0-9]+: //p')
  scripts/build.sh tsan "${targets[@]}" || return
  run_ctest tsan
}

stage_e2e() {
  tests/e2e/setup.sh || return
  build/venv/bin/python -m pytest -c tests/e2e/pytest.ini tests/source tests/e2e --junitxml "$reports/e2e.xml" -o junit_logging=no
}

failed=()
times=()
for stage in "${stages[@]}"; do
  if ! declare -F "stage_$stage" >/dev/null; then
    echo "There is no stage $stage; there are: ${all_stages[*]}" >&2
    exit 2
  fi
  echo "== $stage"
  began=$SECONDS
  verdict=passed
  "stage_$stage" || { verdict=FAILED; failed+=("$stage"); }
  took=$((SECONDS - began))
  times+=("$(printf '%-8s %-6s %3d min %02d s' "$stage" "$verdict" $((took / 60)) $((took % 60)))")
  echo "-- ${times[-1]}"
done

printf '\n== summary\n'
printf '%s\n' "${times[@]}"
/usr/bin/python3 scripts/tally.py "$reports" "${failed[@]}"
