#!/usr/bin/env bash
# Installs the Debian packages that the tests need, where that is possible without asking: as root, or in CI as a user who
# may use sudo without a password. Otherwise prints the command. MIRRORFLOW_INSTALL=off installs nothing.
# Tests whose program is missing are skipped; `npm test` names them at its end.
set -u
missing=()
# need PROGRAM PACKAGE: the package is missing when its program is not in PATH.
need() { command -v "$1" >/dev/null || missing+=("$2"); }
if [ ! -x "${MIRRORFLOW_BROWSER:-}" ] && ! command -v google-chrome >/dev/null && ! command -v chromium-browser >/dev/null; then
  need chromium chromium
fi
need setfacl acl
need openssl openssl
need python3 python3
need gcc gcc
need g++ g++
need make make
need pkg-config pkg-config
need cmake cmake
need ip iproute2
need chattr e2fsprogs
need unshare util-linux
need spin spin
need zsh zsh
need groff groff
need lintian lintian
need readelf binutils
need nats-server nats-server
python3 -c 'import numpy' 2>/dev/null || /usr/bin/python3 -c 'import numpy' 2>/dev/null || missing+=(python3-numpy)
python3 -c "import setuptools, wheel" 2>/dev/null || /usr/bin/python3 -c "import setuptools, wheel" 2>/dev/null || missing+=(python3-setuptools python3-wheel)
[ -e /usr/include/stdlib.h ] || missing+=(libc6-dev)
if [ ${#missing[@]} = 0 ]; then exit 0; fi

command="apt-get install --yes --no-install-recommends ${missing[*]}"
if [ "${MIRRORFLOW_INSTALL:-}" = off ] || ! command -v apt-get >/dev/null; then
  echo "Tests that need these packages will be skipped: ${missing[*]}" >&2
  exit 0
fi
if [ "$(id -u)" = 0 ]; then
  run=()
elif [ -n "${CI:-}" ] && sudo -n true 2>/dev/null; then
  run=(sudo -n)
else
  echo "Tests that need these packages will be skipped: ${missing[*]}; install them with:" >&2
  echo "  sudo $command" >&2
  exit 0
fi
echo "Installing packages that the tests need: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
if "${run[@]}" apt-get update -qq && "${run[@]}" $command -qq >/dev/null; then exit 0; fi
echo "These packages could not be installed; tests that need them will be skipped: ${missing[*]}" >&2
