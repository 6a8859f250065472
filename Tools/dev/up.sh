# ./dev up [--tls]: a relay, an app and the agent, in the foreground until Ctrl-C. With --tls visitors
# and agent speak TLS with the relay, by a certificate of an authority of your own.

. Tools/dev/authority.sh

# Names and pids of the children, in the order of their start.
names=()
pids=()

# Lines of one child: shown with its name before, then kept in its log, so that what stands in the
# log was shown. Not ended by Ctrl-C: the last lines of a child that ends must still come.
prefixed() {
  trap '' INT TERM HUP
  local line
  while IFS= read -r line || [ -n "$line" ]; do
    printf '%-6s| %s\n' "$1" "$line" || true
    printf '%s\n' "$line" >>"$DEV/$1.log"
  done
}

# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches it once, from `stop_all`
# (for the agent a second one would mean: at once).
start() {
  local name=$1
  shift
  : >"$DEV/$name.log"
  setsid "$@" > >(prefixed "$name") 2>&1 </dev/null &
  names+=("$name")
  pids+=($!)
}

# The last one first: the agent says goodbye to the relay, and the app is there until it did.
stop_all() {
  trap '' INT TERM HUP
  local index
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do end_child "${pids[index]}" 5; done
  wait
}

interrupted() {
  trap '' INT TERM HUP
  say "stopping"
  stop_all
  exit 0
}

fail() {
  stop_all
  die "$*"
}

# Says which child ended, if one did.
dead() {
  local index
  for index in "${!pids[@]}"; do
    gone "${pids[index]}" && dead_name=${names[index]} && return 0
  done
  return 1
}

# wait_or_fail WHAT SECONDS COMMAND...: until it is true; a child that ends or the time ends all.
wait_or_fail() {
  local what=$1 seconds=$2
  shift 2
  until_true "$seconds" done_or_dead "$@" || fail "waited $seconds s for $what; logs: $DEV/*.log"
  report_dead
}
done_or_dead() { "$@" || dead; }

report_dead() {
  dead || return 0
  fail "the $dead_name ended by itself; the end of $DEV/$dead_name.log:
$(tail -n 15 "$DEV/$dead_name.log")"
}

lines_of() { wc -l <"$DEV/$1.log"; }
more_than() { [ "$(lines_of "$1")" -gt "$2" ]; }
logged() { grep -q "$2" "$DEV/$1.log"; }
forwarded() {
  url=$(sed -n 's/^Forwarding  *\([^ ]*\) .*/\1/p' "$DEV/agent.log" | head -n 1)
  [ -n "$url" ]
}

# An answer of the app, not a refusal of the relay.
answers() {
  local head
  head=$(curl -s "${believes[@]}" --noproxy '*' --max-time 60 -o /dev/null -D - "$url/") || return 1
  ! grep -qi '^tunnel-error:' <<<"$head"
}

# The name of the account `dev`, once there is one.
dev_domain() {
  "$BIN/relay" domain ls --json --data "$XDG_DATA_HOME/tunnel-relay" 2>/dev/null |
    sed -n 's/.*"domain":"\([^"]*\.localhost\)".*/\1/p' | head -n 1
}

# start_relay PORT [FLAG...]
start_relay() {
  local port=$1
  shift
  start relay "$BIN/relay" serve --listen "127.0.0.1:$port" "$@"
  wait_or_fail "the relay" 20 logged relay '^Listening '
}

# Its certificate has the agent's name in it: the first time that name is made by the relay's start.
start_secure_relay() {
  local before
  make_authority
  make_certificate "$(dev_domain)"
  start_relay "$1" --tls-cert "$TLS/cert.pem" --tls-key "$TLS/key.pem"
  before=$(cat "$TLS/names")
  make_certificate "$(dev_domain)"
  [ "$(cat "$TLS/names")" = "$before" ] ||
    wait_or_fail "the new certificate" 20 logged relay 'certificate renewed'
}

dev_up() {
  local tls=
  case ${1:-} in
    --tls) tls=yes ;;
    '') ;;
    *) die "./dev up [--tls]" ;;
  esac
  need curl ${tls:+openssl}
  listening 3000 || need nodejs
  # Debug: it is built once for `up` and `test`, and an edit is rebuilt in a fraction of the time
  # that a release build takes. `./dev bench` and `./dev show` build for release.
  build debug
  trap interrupted INT TERM HUP
  # A user of its own: neither your relay and authtoken nor your data are touched.
  unset "${!TUNNEL_@}"
  export XDG_DATA_HOME=$DEV/share XDG_CONFIG_HOME=$DEV/config XDG_STATE_HOME=$DEV/state
  mkdir -p "$XDG_DATA_HOME" "$XDG_CONFIG_HOME" "$XDG_STATE_HOME"
  local port way token=$XDG_DATA_HOME/tunnel-relay/dev.token
  believes=()
  if [ -n "$tls" ]; then
    port=$(free_port 8443)
    start_secure_relay "$port"
    believes=(--cacert "$TLS/ca.pem")
    way=(--relay "https://localhost:$port" --ca "$TLS/ca.pem")
  else
    port=$(free_port 8080)
    start_relay "$port"
    way=(--relay "http://127.0.0.1:$port")
  fi
  if listening 3000; then
    say "using what listens on port 3000"
  else
    start app env PORT=3000 node Examples/dev-all/server.js
    wait_or_fail "the app" 20 logged app listening
  fi
  start agent env "TUNNEL_AUTHTOKEN_FILE=$token" "$BIN/tunnel" --port 3000 "${way[@]}"
  wait_or_fail "the tunnel" 20 forwarded
  local before
  before=$(lines_of relay)
  # A development server may compile its first page for a while.
  wait_or_fail "an answer through the tunnel" 90 answers
  # What agent and relay say about that request comes before the last line.
  until_true 2 logged agent 'GET  / ' || true
  until_true 2 more_than relay "$before" || true
  [ -z "$tls" ] || explain_authority "$url"
  printf 'Ready  %s\n' "$url"
  until dead; do wait -n "${pids[@]}" || true; done
  report_dead
}
