#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (default 60), starting from its corpus; what it finds stays in build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
cmake --preset fuzz >/dev/null
list=build/fuzz/fuzz_targets.txt
[ -s "$list" ] || { echo "There are no fuzz targets in $list." >&2; exit 1; }
mapfile -t targets < <(cut -f1 "$list")
scripts/build.sh fuzz "${targets[@]}"

export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-19
mkdir -p build/fuzz/found
failed=()
while IFS=$'\t' read -r target corpus; do
  echo "== $target, $seconds s"
  work="build/fuzz/corpus/$target"
  mkdir -p "$work"
  # The copy keeps what earlier runs learned, and keeps the committed corpus small.
  cp -n "$corpus"/* "$work"/ 2>/dev/null || true
  binary=$(find build/fuzz -type f -name "$target" -perm -u+x | head -n 1)
  "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$target-" "$work" >"build/fuzz/$target.log" 2>&1 || failed+=("$target")
  grep -E '^(stat::number_of_executed_units|SUMMARY|==[0-9]+== ?ERROR)' "build/fuzz/$target.log" || true
done <"$list"

if [ ${#failed[@]} -gt 0 ]; then
  echo "These targets found something (inputs in build/fuzz/found, logs in build/fuzz): ${failed[*]}" >&2
  exit 1
fi
echo "${#targets[@]} fuzz targets found nothing."
