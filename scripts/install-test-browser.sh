#!/usr/bin/env bash
# Installs Debian's Chromium for the browser tests when there is no browser and this user may; otherwise says so, and the tests are skipped.
set -u
for place in "${MIRRORFLOW_BROWSER:-}" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
  if [ -n "$place" ] && [ -x "$place" ]; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo 'No Chromium, and it cannot be installed by this user: browser tests will be skipped.' >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
if apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; then exit 0; fi
echo 'Chromium could not be installed: browser tests will be skipped.' >&2
