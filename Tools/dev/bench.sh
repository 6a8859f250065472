# ./dev bench [--help]: relay and agent against an nginx and a haproxy hop (Benchmarks/).

dev_bench() {
  need curl wrk nginx-light haproxy python3 openssl nghttp2-client
  build release
  PATH=$PATH:/usr/sbin exec python3 -m Benchmarks --binaries "$BIN" "$@"
}
