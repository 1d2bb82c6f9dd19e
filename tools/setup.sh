#!/usr/bin/env bash
# Build .venv from requirements.lock, or bring it up to date: setup.sh PYTHON
# .venv/.ready is written last; without it the environment counts as missing.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1

fail() {
  echo "make: $*" >&2
  exit 1
}

command -v "$python" >/dev/null ||
  fail "$python was not found. Install Python 3.11 or newer (Debian, Ubuntu: sudo apt install python3 python3-venv), then run make again."
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
  fail "$python does not start. Name another one, for example: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' ||
  fail "$python is Python $version, but 3.11 to 3.14 is needed. Name another one, for example: make PYTHON=python3.12"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$python cannot make environments: its venv module is missing. Install it (Debian, Ubuntu: sudo apt install python3-venv), then run make again."

# Two makes at once: the second waits, then finds the work done.
mkdir -p build
if command -v flock >/dev/null; then
  exec 9>build/setup.lock
  flock --nonblock 9 || { echo "Waiting for another make that builds .venv ..."; flock 9; }
  if [[ .venv/.ready -nt requirements.lock && .venv/.ready -nt pyproject.toml ]]; then
    exit 0
  fi
fi

kept=()
# A new environment that cannot be finished is removed; one that was ready is kept.
if [[ ! -e .venv/.ready ]]; then
  trap '[[ -e .venv/.ready ]] || rm -rf .venv' EXIT
  echo "Building .venv with Python $version ..."
  "$python" -m venv --clear .venv || fail "$python could not make .venv: see above."
fi

# Of the user's set-up of pip only counts where packages come from, and the way there: the
# rest, such as `user = true` or `target =`, would put them elsewhere.
while IFS== read -r key value; do
  key=${key##*.} value=${value#?}
  case $key in
    index-url | extra-index-url | no-index | find-links | cert | client-cert | proxy | \
      trusted-host | timeout | default-timeout)
      key=${key//-/_}
      kept+=("PIP_${key^^}=$(printf %b "${value%?}")") ;;
  esac
done < <(.venv/bin/python -m pip --disable-pip-version-check config list)
kept+=("PIP_CONFIG_FILE=${PIP_CONFIG_FILE:-/dev/null}")  # one that is named is meant
for name in ${!PIP_*}; do unset "$name"; done
export "${kept[@]}"

# pip fetches uv, held to the hashes of the lock; uv fetches the rest ten times faster.
awk '/^uv==/ {on = 1; print; next} /^[^ ]/ {on = 0} on' requirements.lock >build/uv.lock
.venv/bin/python -m pip --disable-pip-version-check -qq --retries 2 install --no-deps \
  --only-binary :all: --require-hashes -r build/uv.lock ||
  fail "pip could not download uv. Check the network (and the proxy, if there is one), then run make again."
.venv/bin/python -m uv pip sync --python .venv/bin/python --require-hashes \
  --compile-bytecode requirements.lock ||
  fail "The packages of requirements.lock could not be installed: see above. Check the network and the space on disk, then run make again."
.venv/bin/python -m uv pip install --python .venv/bin/python --quiet --offline \
  --no-deps --no-build-isolation --editable . ||
  fail "The helpers could not be installed: see above. Check pyproject.toml, then run make again."
# The maps of notebook 3 compile for ten seconds at their first use: once, here. Without
# it they only take longer, so a failure is none.
if [[ -e src/helpers/clustering/clusterability.py ]]; then
  echo "Compiling what draws the maps ..."
  .venv/bin/python -W ignore -c "
import numpy, pandas
from helpers.clustering import clusterability
cloud = numpy.random.default_rng(1).random((200, 5))
clusterability.embed(pandas.DataFrame(cloud), neighbours=15, seed=1)" || true
fi
touch .venv/.ready
