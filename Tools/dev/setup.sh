# What a command needs on this machine, and the build. Quick when everything is there already.

# A thing is known by what it is used for, not by the package that brought it.
has() {
  case $1 in
    libsqlite3-dev) [ -e /usr/include/sqlite3.h ] ;;
    python3-venv) /usr/bin/env python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    nodejs) command -v node >/dev/null ;;
    systemd) command -v systemd-analyze >/dev/null ;;
    systemd-container) command -v systemd-nspawn >/dev/null ;;
    binutils) command -v strip >/dev/null ;;
    iproute2) command -v ip >/dev/null || [ -x /usr/sbin/ip ] ;;
    postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && command -v psql >/dev/null ;;
    nginx-light) command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] ;;
    nghttp2-client) command -v h2load >/dev/null ;;
    ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# need PACKAGE...: installs what is missing, or says how.
need() {
  local package missing=()
  for package in "$@"; do has "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  local line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  command -v apt-get >/dev/null || die "missing: ${missing[*]} (their names on Debian)"
  [ "$(id -u)" = 0 ] || die "missing: ${missing[*]}. As root, once:  $line"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt_log=$DEV/apt.log
  # Tests start what they need: no service of this machine comes of it (invoke-rc.d(8)).
  local policy=/usr/sbin/policy-rc.d code=0
  if [ -e "$policy" ]; then policy=; else install_policy "$policy"; fi
  { apt-get update -q && apt-get install -q -y --no-install-recommends "${missing[@]}"; } \
    >"$apt_log" 2>&1 </dev/null || code=$?
  [ -z "$policy" ] || rm -f "$policy"
  [ "$code" = 0 ] || {
    tail -n 5 "$apt_log" >&2
    die "apt-get failed, its log: $apt_log"
  }
}

install_policy() {
  printf '#!/bin/sh\nexit 101\n' >"$1"
  chmod 755 "$1"
}

need_swift() {
  command -v swift >/dev/null || die "Swift 6.2 or newer is missing: https://www.swift.org/install/"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
  case $version in
    [0-5].* | 6.[01]) die "Swift $version is too old, 6.2 or newer is needed" ;;
  esac
  need libsqlite3-dev git
}

# build CONFIGURATION: both binaries, their path in BIN. A release carries Swift's own libraries in
# it, so it runs where no Swift is, and does not check exclusivity, which debug builds and so all
# tests do (decision 0003 has what that buys).
build() {
  local flags=()
  need_swift
  [ "$1" = debug ] || flags=(--static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked)
  say "building ($1); the first time takes some minutes"
  swift build -c "$1" "${flags[@]}" || die "the build failed"
  BIN=$(swift build -c "$1" "${flags[@]}" --show-bin-path)
}

# What the parsers say, for Tests/Differential; its path in VERDICTS. In a package of its own, so
# that what is shipped knows nothing of it.
build_verdicts() {
  local arguments=(--package-path Fuzz --scratch-path .build/verdicts)
  need_swift
  say "building verdicts, which asks the parsers; the first time takes a minute or two"
  swift build "${arguments[@]}" --product verdicts >"$DEV/verdicts-build.log" 2>&1 || {
    tail -n 30 "$DEV/verdicts-build.log" >&2
    die "verdicts does not build"
  }
  VERDICTS=$(swift build "${arguments[@]}" --show-bin-path)/verdicts
}

# Pinned Python packages, in folders of the project; made again when their pins change.
python_packages() {
  need python3 python3-venv
  python_environment venv Tests/EndToEnd/requirements.txt
  python_environment mitmproxy Tests/EndToEnd/requirements-mitmproxy.txt
}

# python_environment NAME PINS
python_environment() {
  local folder=$DEV/$1 pins=$2
  cmp -s "$pins" "$folder/.pins" && return 0
  say "installing the Python packages of $pins"
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install -q --disable-pip-version-check -r "$pins" </dev/null \
    || die "pip could not install $pins"
  cp "$pins" "$folder/.pins"
}

# listening PORT: something accepts there.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# until_true SECONDS COMMAND...: polls; false once the time is over.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

free_port() {
  local port=$1
  while listening "$port"; do port=$((port + 1)); done
  echo "$port"
}

# `end_child PID SECONDS`: SIGTERM, once more when the time is over, at last SIGKILL.
gone() { ! kill -0 "$1" 2>/dev/null; }
end_child() {
  gone "$1" && return 0
  kill -TERM "$1" 2>/dev/null || return 0
  until_true "$2" gone "$1" && return 0
  kill -TERM "$1" 2>/dev/null
  until_true 2 gone "$1" || kill -KILL "$1" 2>/dev/null
  return 0
}
