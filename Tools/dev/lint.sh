# ./dev lint: what can be said without running anything. Every fault is shown, not the first alone.

MAX_LINES=400

tracked() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

too_long() {
  local file lines found=1
  while read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le "$MAX_LINES" ] && continue
    echo "$file: $lines lines, $MAX_LINES are allowed"
    found=0
  done < <(tracked '*.swift' '*.py' '*.js' '*.sh' dev '.ci/run' 'Tests/Show/*')
  return $found
}

dev_lint() {
  local code=0 file
  need git python3
  command -v swift >/dev/null || need_swift
  say "swift format"
  swift format lint --strict --parallel -r Sources Tests Package.swift Fuzz/Package.swift \
    Fuzz/Sources/fuzz Fuzz/Sources/verdicts || code=1
  say "file length"
  ! too_long || code=1
  say "scripts"
  PYTHONPYCACHEPREFIX=$DEV/pyc python3 -m compileall -q Tests/EndToEnd Tests/Differential Tests/Link || code=1
  while read -r file; do bash -n "$file" || code=1; done \
    < <(tracked dev '*.sh' .ci/run 'Tests/Show/*')
  if command -v node >/dev/null; then
    while read -r file; do node --check "$file" || code=1; done < <(tracked '*.js')
  fi
  [ $code = 0 ] && say "lint: all well"
  return $code
}
