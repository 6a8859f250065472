# ./dev show NAME: one of the long scenarios in Tests/Show, on a release build.

dev_show() {
  local name=${1:-}
  [ -n "$name" ] && [ -x "Tests/Show/$name" ] \
    || die "which? $(cd Tests/Show && echo *)"
  shift
  need curl nodejs
  [ "$name" != install ] || need debootstrap systemd systemd-container
  python_packages
  build release
  export TUNNEL_BIN=$BIN PYTHONDONTWRITEBYTECODE=1 PYTHON=$DEV/venv/bin/python
  exec "Tests/Show/$name" "$@"
}
