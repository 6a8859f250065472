# ./dev show NAME: one of the long scenarios in Tests/Show, on a release build; `differential` asks
# the parsers alone and needs none. The scenarios link.N are those of the link between agent and
# relay; some make network namespaces, as root.

dev_show() {
  local name=${1:-}
  [ -n "$name" ] && [ -x "Tests/Show/$name" ] \
    || die "which? $(cd Tests/Show && echo *)"
  shift
  need curl nodejs nginx-light wrk openssl nghttp2-client
  [ "$name" != instructions ] || need valgrind binutils
  [ "$name" != http.6 ] || need sslscan
  [ "$name" != http.8 ] || need postgresql redis-server
  [ "$name" != install ] || need debootstrap systemd systemd-container
  [ "$name" != http.3 ] || need slowhttptest
  case $name in
    link.2 | link.3 | link.4 | link.10)
      need iproute2
      [ "$(id -u)" = 0 ] || die "$name makes network namespaces: run it as root"
      ;;
    link.9)
      need python3 python3-venv
      python_environment shows Tests/Link/requirements.txt
      export HONCHO=$DEV/shows/bin/honcho
      ;;
  esac
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
