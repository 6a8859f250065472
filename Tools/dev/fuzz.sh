# ./dev fuzz [TARGET] [SECONDS]: libFuzzer and AddressSanitizer on what reads hostile bytes.
# ./dev fuzz TARGET FILE: one input again, as it was when it broke something.
# ./dev fuzz keep [TARGET]: the kept corpus made anew, with what was found.

FUZZ_TARGETS=(head body edit frames session hello)

fuzz_build() {
  need_swift
  say "building the fuzzer; the first time takes some minutes"
  local arguments=(-c release --package-path Fuzz --scratch-path .build/fuzz --product fuzz)
  TUNNEL_FUZZ=1 swift build "${arguments[@]}" >"$DEV/fuzz-build.log" 2>&1 || {
    tail -n 30 "$DEV/fuzz-build.log" >&2
    die "the fuzzer does not build"
  }
  FUZZER=$PWD/.build/fuzz/release/fuzz
}

# fuzz_run TARGET ARGUMENT...: Swift's own backtraces would get in the way of libFuzzer's.
fuzz_run() {
  local target=$1
  shift
  FUZZ_TARGET=$target SWIFT_BACKTRACE=enable=no "$FUZZER" \
    -timeout=20 -rss_limit_mb=2048 -detect_leaks=1 "$@"
}

# What is found grows in .dev/fuzz; Fuzz/corpus keeps the best of it: ./dev fuzz keep.
fuzz_target() {
  local target=$1 seconds=$2 dictionary=() code=0
  local found=$DEV/fuzz/$target log=$DEV/fuzz-$target.log crashes=$DEV/fuzz/crash-$target-
  mkdir -p "$found"
  case $target in head | body | edit) dictionary=(-dict=Fuzz/http.dict) ;; esac
  say "$target for $seconds s, log: $log"
  fuzz_run "$target" -max_total_time="$seconds" "${dictionary[@]}" -artifact_prefix="$crashes" \
    "$found" "Fuzz/corpus/$target" >"$log" 2>&1 || code=$?
  grep -E '^#[0-9]+[[:space:]]+(INITED|pulse|DONE)' "$log" | tail -n 4
  if [ $code != 0 ]; then
    # What broke: a check's own words, a sanitizer's, or where it trapped.
    grep -E '^BROKEN|^SUMMARY|ERROR: ' "$log" | head -n 5 >&2
    grep -E '^ +#[0-9]+ 0x[0-9a-f]+ in \$s' "$log" | grep -v Fuzz.swift | head -n 3 >&2 || true
    local file
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    printf 'dev: %s broke. The input: %s\n     once more:  ./dev fuzz %s %s\n' \
      "$target" "${file:-none was written, see $log}" "$target" "${file:-FILE}" >&2
    return 1
  fi
  local done=$(grep -E '^#[0-9]+[[:space:]]+DONE' "$log" | tail -n 1)
  say "$target: $(awk '{print substr($1, 2), "inputs, coverage", $4, "edges,", $6, "features"}' \
    <<<"$done"), nothing broke"
}

# The kept corpus, made anew: the smallest inputs that reach most edges.
fuzz_keep() {
  local target=$1 scratch
  mkdir -p "$DEV/fuzz/$target" "Fuzz/corpus/$target"
  scratch=$(mktemp -d)
  mkdir "$scratch/merged"
  fuzz_run "$target" -merge=1 -set_cover_merge=1 -use_cmp=0 -max_len=1024 \
    -merge_control_file="$scratch/control" "$scratch/merged" "Fuzz/corpus/$target" \
    "$DEV/fuzz/$target" >"$DEV/fuzz-keep.log" 2>&1 \
    || die "the merge failed, its log: $DEV/fuzz-keep.log"
  python3 Tools/dev/keep_corpus.py "$scratch/control" "Fuzz/corpus/$target"
  rm -rf "$scratch"
  say "$target: $(find "Fuzz/corpus/$target" -type f | wc -l) inputs are kept"
}

dev_fuzz() {
  local code=0 target
  case ${1:-} in
    keep)
      need python3
      fuzz_build
      for target in ${2:-${FUZZ_TARGETS[@]}}; do fuzz_keep "$target"; done
      return
      ;;
    '' | [0-9]*)
      fuzz_build
      for target in "${FUZZ_TARGETS[@]}"; do fuzz_target "$target" "${1:-60}" || code=1; done
      return $code
      ;;
  esac
  target=$1
  [[ " ${FUZZ_TARGETS[*]} " == *" $target "* ]] \
    || die "which? ${FUZZ_TARGETS[*]}, or keep"
  fuzz_build
  if [ -f "${2:-}" ]; then
    fuzz_run "$target" "$2"
  else
    [[ ${2:-60} =~ ^[0-9]+$ ]] || die "$2 is no file and no number of seconds"
    fuzz_target "$target" "${2:-60}"
  fi
}
