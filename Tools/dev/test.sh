# ./dev test: every test. The closing lines of both runners come last.
# ./dev test --tsan [FILTER]: Swift's tests under ThreadSanitizer, in a build of their own. One after
# the other: it is slow, and all at once they would meet the time limits of what they test.

dev_test_tsan() {
  local log=$DEV/swift-test-tsan.log arguments=(--scratch-path .build/tsan --sanitize=thread) code=0
  local filter=()
  [ $# = 0 ] || filter=(--filter "$1")
  need_swift
  say "building with the thread sanitizer; the first time takes many minutes"
  swift build --build-tests "${arguments[@]}" || die "the build failed"
  TSAN_OPTIONS="suppressions=$PWD/Tools/dev/tsan.txt halt_on_error=0" swift test --skip-build \
    --disable-xctest --no-parallel "${arguments[@]}" "${filter[@]}" 2>&1 | tee "$log" || code=$?
  say "closing lines"
  grep -E 'Test run with' "$log" | tail -n 1 || true
  local races
  races=$(grep -c 'WARNING: ThreadSanitizer' "$log") || true
  say "$races races; the log: $log"
  [ "$code$races" = 00 ]
}

dev_test() {
  if [ "${1:-}" = --tsan ]; then
    shift
    dev_test_tsan "$@"
    return
  fi
  local swift_log=$DEV/swift-test.log python_log=$DEV/end-to-end.log swift_code=0 python_code=0
  need_swift
  need curl nodejs systemd nginx-light caddy tinyproxy valgrind binutils nghttp2-client \
    postgresql redis-server
  python_packages
  say "building with the tests; the first time takes some minutes"
  swift build --build-tests || die "the build failed"
  BIN=$(swift build --show-bin-path)
  say "swift test"
  swift test --skip-build --disable-xctest --skip SimulationTests 2>&1 | tee "$swift_log" ||
    swift_code=$?
  # By itself: it takes all the time there is, and what others wait for would come too late.
  swift test --skip-build --disable-xctest --filter SimulationTests 2>&1 |
    tee -a "$swift_log" || swift_code=$?
  build_verdicts
  local debug=$BIN
  build release
  say "end to end"
  TUNNEL_BIN=$debug TUNNEL_RELEASE=$BIN TUNNEL_VERDICTS=$VERDICTS PYTHONDONTWRITEBYTECODE=1 "$DEV/venv/bin/python" -m pytest Tests/EndToEnd "$@" \
    2>&1 | tee "$python_log" || python_code=$?
  say "closing lines"
  grep -E 'Test run with' "$swift_log" | tail -n 2 || true
  tail -n 1 "$python_log"
  [ "$swift_code$python_code" = 00 ]
}
