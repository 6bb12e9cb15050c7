#!/usr/bin/env bash
# Prepares what the end-to-end tests need beside the binary: build/venv and tests/e2e/node_modules. Does nothing when
# both are as the pinned versions say.
set -euo pipefail
cd "$(dirname "$0")/../.."

stamp_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

python_stamp=$(stamp_of tests/e2e/requirements.txt)
if [ "$(cat build/venv/stamp 2>/dev/null)" != "$python_stamp" ]; then
  rm -rf build/venv
  /usr/bin/python3 -m venv build/venv
  build/venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/e2e/requirements.txt
  echo "$python_stamp" >build/venv/stamp
fi

node_stamp=$(stamp_of tests/e2e/package.json tests/e2e/package-lock.json)
if [ "$(cat tests/e2e/node_modules/.stamp 2>/dev/null)" != "$node_stamp" ]; then
  (cd tests/e2e && npm ci --silent --no-audit --no-fund)
  echo "$node_stamp" >tests/e2e/node_modules/.stamp
fi
