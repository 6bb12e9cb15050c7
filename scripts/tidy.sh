#!/usr/bin/env bash
# clang-tidy over our sources with the list in .clang-tidy. A file that was clean is not looked at again until it, a
# header of ours, or the list changes: scripts/tidy.sh [FILE…], by default all of src/ but tests and fuzz targets.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files -co --exclude-standard 'src/*.cpp' | grep -vE '_(test|fuzz)\.cpp$')
fi
export TIDY_CLEAN=build/tidy
mkdir -p "$TIDY_CLEAN"
TIDY_SALT=$( (cat .clang-tidy; git ls-files -co --exclude-standard 'src/*.hpp' 'include/*.hpp' | xargs -r cat) |
  sha256sum | cut -d' ' -f1)
export TIDY_SALT

check_one() {
  local mark
  mark="$TIDY_CLEAN/$( (echo "$TIDY_SALT $1"; cat "$1") | sha256sum | cut -d' ' -f1)"
  [ -e "$mark" ] && return
  clang-tidy-19 -p build/dev --quiet "$1" 2>/dev/null && touch "$mark"
}
export -f check_one
printf '%s\n' "${files[@]}" | xargs -r -P "$(nproc)" -I{} bash -c 'check_one "$1"' _ {}
