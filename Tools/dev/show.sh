# ./dev show NAME: one of the long scenarios in Tests/Show, on a release build; `differential` asks
# the parsers alone and needs none.

dev_show() {
  local name=${1:-}
  [ -n "$name" ] && [ -x "Tests/Show/$name" ] \
    || die "which? $(cd Tests/Show && echo *)"
  shift
  need curl nodejs nginx-light wrk openssl
  [ "$name" != instructions ] || need valgrind binutils
  [ "$name" != install ] || need debootstrap systemd systemd-container
  python_packages
  export PYTHONDONTWRITEBYTECODE=1 PYTHON=$DEV/venv/bin/python
  if [ "$name" = differential ]; then
    build_verdicts
    export VERDICTS
  else
    build release
    export TUNNEL_BIN=$BIN
  fi
  exec "Tests/Show/$name" "$@"
}
