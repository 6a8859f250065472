# ./dev docs: docs/errors.md, made out of the error catalogue.

dev_docs() {
  local made=$DEV/errors-page
  command -v swiftc >/dev/null || need_swift
  swiftc -parse-as-library -swift-version 6 -package-name tunnel -o "$made" \
    Sources/TunnelCore/*.swift Sources/TunnelCore/*/*.swift Tools/dev/errors.swift
  "$made" >docs/errors.md
  say "wrote docs/errors.md, $(grep -c '^### ' docs/errors.md) codes"
}
