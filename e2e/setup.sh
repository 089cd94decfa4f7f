#!/usr/bin/env bash
# Makes what the end-to-end tests need: a Python environment, the JavaScript packages, two syslog daemons, a browser.
# Everything goes to ${XDG_CACHE_HOME:-~/.cache}/clewline-e2e and e2e/js/node_modules; a second run does nothing.
# System packages are installed only where something is missing and this is root on a Debian machine. What cannot be had
# is said in one line and its tests are skipped (in CI they fail).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/clewline-e2e"
mkdir -p "$cache"

say() { printf 'e2e setup: %s\n' "$*"; }

# A failed step is reported by the test that misses its result, so that the others still run.
attempt() {
  local what=$1
  shift
  if "$@" >"$cache/setup.log" 2>&1; then return 0; fi
  say "$what failed:"
  tail -n 5 "$cache/setup.log" | sed 's/^/    /'
  return 1
}

python_environment() {
  local stamp="$cache/venv/requirements.txt"
  cmp -s "$here/requirements.txt" "$stamp" && return 0
  say "installing Python packages"
  rm -rf "$cache/venv"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  cp "$here/requirements.txt" "$stamp"
}

javascript_packages() {
  local folder=$1 stamp
  stamp="$folder/node_modules/.clewline-lock"
  cmp -s "$folder/package-lock.json" "$stamp" && return 0
  command -v npm >/dev/null || { say "no npm: the JavaScript tests are skipped"; return 0; }
  say "installing JavaScript packages of ${folder#"$here"/}"
  attempt "npm ci" npm ci --prefix "$folder" --no-audit --no-fund && cp "$folder/package-lock.json" "$stamp"
}

updated=
apt() {
  export DEBIAN_FRONTEND=noninteractive
  if [ -z "$updated" ]; then
    attempt "apt-get update" apt-get update -qq || true
    updated=yes
  fi
  attempt "apt-get install $*" apt-get install -y -qq --no-install-recommends "$@"
}

# The daemons are unpacked, not installed: Debian allows only one on a machine, and a developer keeps his own.
syslog_daemons() {
  local folder="$cache/syslog"
  [ -x "$folder/usr/sbin/rsyslogd" ] && [ -x "$folder/usr/sbin/syslog-ng" ] && return 0
  say "unpacking rsyslog and syslog-ng"
  [ -n "$updated" ] || { attempt "apt-get update" apt-get update -qq || true; updated=yes; }
  local libraries
  libraries=$(apt-cache depends --no-recommends --no-suggests rsyslog syslog-ng-core | awk '/Depends: lib/ { print $2 }' | sort -u)
  # shellcheck disable=SC2086
  apt $libraries || return 0
  rm -rf "$cache/packages" "$folder"
  mkdir -p "$cache/packages" "$folder"
  (cd "$cache/packages" && attempt "download of rsyslog and syslog-ng" apt-get download -qq rsyslog syslog-ng-core) || return 0
  local package
  for package in "$cache"/packages/*.deb; do dpkg-deb -x "$package" "$folder"; done
}

system_packages() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v ip >/dev/null || missing+=(iproute2)
  command -v mount >/dev/null || missing+=(mount)
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    [ ${#missing[@]} = 0 ] || say "missing ${missing[*]}: install them, or run as root; their tests are skipped"
    return 0
  fi
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt "${missing[@]}" || true
  fi
  syslog_daemons
}

command -v python3 >/dev/null || { say "python3 is needed"; exit 1; }
python_environment
javascript_packages "$here/js" || true
javascript_packages "$here/../ui" || true
system_packages
