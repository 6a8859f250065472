# ./dev test: every test. The closing lines of both runners come last.

dev_test() {
  local swift_log=$DEV/swift-test.log python_log=$DEV/end-to-end.log swift_code=0 python_code=0
  need_swift
  need curl nodejs systemd nginx-light caddy tinyproxy
  python_packages
  say "building with the tests; the first time takes some minutes"
  swift build --build-tests || die "the build failed"
  BIN=$(swift build --show-bin-path)
  say "swift test"
  swift test --skip-build --disable-xctest 2>&1 | tee "$swift_log" || swift_code=$?
  say "end to end"
  TUNNEL_BIN=$BIN PYTHONDONTWRITEBYTECODE=1 "$DEV/venv/bin/python" -m pytest Tests/EndToEnd "$@" \
    2>&1 | tee "$python_log" || python_code=$?
  say "closing lines"
  grep -E 'Test run with' "$swift_log" | tail -n 2 || true
  tail -n 1 "$python_log"
  [ "$swift_code$python_code" = 00 ]
}
