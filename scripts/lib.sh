# Shared by setup, demo, check and bare-check: sourced, with the project's top as working directory.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# need_root WHY COMMAND...: ends with status 2 and one sentence unless this is root.
need_root() {
  [ "$(id -u)" -eq 0 ] && return
  local why=$1
  shift
  complain "This needs root ($why): run \"sudo $*\"."
  exit 2
}

# Megabytes that a build may take: what the machine has free, and no more than the container's limit leaves.
free_megabytes() {
  local free limit used
  free=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  if read -r limit 2>/dev/null </sys/fs/cgroup/memory.max && [ "$limit" != max ]; then
    read -r used </sys/fs/cgroup/memory.current
    limit=$(((limit - used) / 1048576))
    [ "$limit" -lt "$free" ] && free=$limit
  fi
  echo "$free"
}

# The one place that says how many jobs run at once: min(cores, free memory / 1.5 GB), at least 1.
build_jobs() {
  local jobs by_memory
  jobs=$(nproc)
  by_memory=$(($(free_megabytes) / 1536))
  [ "$by_memory" -lt "$jobs" ] && jobs=$by_memory
  [ "$jobs" -lt 1 ] && jobs=1
  echo "$jobs"
}

duration() {
  local seconds=$1
  if [ "$seconds" -lt 60 ]; then echo "$seconds s"; else printf '%d min %02d s' $((seconds / 60)) $((seconds % 60)); fi
}

# Shows the last line of a log while a step runs: in place on a terminal, every 20 s elsewhere.
watch_log() {
  local log=$1 began=$SECONDS line shown=$SECONDS
  while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    line=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | grep -v '^ *$' | tail -n 1 | cut -c1-90) || continue
    if [ -t 1 ]; then
      printf '\r\033[K    %s: %s' "$(duration $((SECONDS - began)))" "$line"
    elif [ $((SECONDS - shown)) -ge 20 ]; then
      printf '    %s: %s\n' "$(duration $((SECONDS - began)))" "$line"
      shown=$SECONDS
    fi
  done
}

# logged LOG COMMAND...: runs it with its output appended to LOG and progress on the screen; returns its status.
logged() {
  local log=$1 status=0 watcher
  shift
  mkdir -p "$(dirname "$log")"
  printf '$ %s\n' "$*" >>"$log"
  watch_log "$log" &
  watcher=$!
  "$@" >>"$log" 2>&1 </dev/null || status=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  if [ -t 1 ]; then printf '\r\033[K'; fi
  return "$status"
}

# Objects are cached where the machine already has a cache; otherwise inside build/, so that nothing is left elsewhere.
use_ccache() {
  if [ -z "${CCACHE_DIR:-}" ] && [ ! -d "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ccache" ]; then
    export CCACHE_DIR=$PWD/build/ccache
  fi
  # A clone at another path finds what this one compiled.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
}

# configure LOG PRESET [CMAKE ARGUMENTS]. A build tree of another place (the clone was moved) is made anew.
configure() {
  local log=$1 preset=$2
  shift 2
  local cache=build/$preset/CMakeCache.txt
  if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then rm -rf "build/$preset"; fi
  use_ccache
  logged "$log" cmake --preset "$preset" "$@"
}

# compile LOG PRESET [TARGETS]
compile() {
  local log=$1 preset=$2
  shift 2
  use_ccache
  logged "$log" cmake --build "build/$preset" -j "$(build_jobs)" ${1:+--target "$@"}
}

# What root made under build/ belongs to whoever called sudo.
give_build_back() {
  if [ -n "${SUDO_UID:-}" ] && [ -d build ]; then chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build; fi
}
