#!/usr/bin/env bash
# Installs what is missing of the given groups of packages.txt (default: all), as root or through sudo. Asks apt only
# when something is missing, so that a prepared machine needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build test bench)

missing=()
while read -r package group rest; do
  case "$package" in ''|'#'*) continue ;; esac
  wanted=no
  for g in "${groups[@]}"; do [ "$group" = "[$g]" ] && wanted=yes; done
  [ "$wanted" = yes ] || continue
  if [[ "$rest" =~ ^command=([^[:space:]]+) ]] && command -v "${BASH_REMATCH[1]}" >/dev/null; then continue; fi
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done < packages.txt
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing what is missing (packages.txt says why): ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    {
      echo "These Debian packages are missing, and installing them takes root or sudo; neither is here."
      echo "As root:  apt-get install ${missing[*]}"
    } >&2
    exit 1
  fi
  as_root=(sudo)
fi
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${missing[@]}"
