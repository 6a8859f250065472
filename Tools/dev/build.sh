# ./dev build: both binaries as they are to be used elsewhere.

dev_build() {
  build release
  say "built $BIN/relay and $BIN/tunnel"
}
