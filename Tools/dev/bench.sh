# ./dev bench: requests a second through relay and agent, against the same way through two nginx.
# Both are measured in turn in the same run, for a machine's own speed changes by the hour; what
# counts is the ratio. ROUNDS and SECONDS_EACH may be set.
BENCH_ROUNDS=${ROUNDS:-3}
BENCH_SECONDS=${SECONDS_EACH:-4}

# nginx_conf NAME PORT LOCATION-BODY
nginx_conf() {
  cat >"$work/$1.conf" <<TEXT
worker_processes 1;
daemon off;
pid $work/$1.pid;
error_log $work/$1.err warn;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $work/$1.body;
  proxy_temp_path $work/$1.proxy;
  fastcgi_temp_path $work/$1.f; uwsgi_temp_path $work/$1.u; scgi_temp_path $work/$1.s;
  client_body_buffer_size 64k;
  keepalive_requests 100000000;
  ${4:-}
  server { listen 127.0.0.1:$2; location / { $3 } }
}
TEXT
}

nginx_hop() {
  nginx_conf "$1" "$2" "proxy_pass http://next; proxy_http_version 1.1;
    proxy_set_header Connection ''; proxy_set_header Host \$host;" \
    "upstream next { server 127.0.0.1:$3; keepalive 512; keepalive_requests 100000000; }"
}

bench_child() {
  "$@" >>"$work/children.log" 2>&1 </dev/null &
  children+=($!)
}

bench_end() {
  local index
  for ((index = ${#children[@]} - 1; index >= 0; index--)); do end_child "${children[index]}" 8; done
  rm -rf "$work"
}

# wrk_rate PORT SCRIPT: requests a second; any answer but 2xx, or a broken one, ends the run.
wrk_rate() {
  local out
  out=$(wrk -t1 -c32 -d"${BENCH_SECONDS}s" -s "$2" -H 'Host: mine.example' "http://127.0.0.1:$1/")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    printf '%s\n' "$out" >&2
    return 1
  fi
  awk '/Requests\/sec/ { print $2 }' <<<"$out"
}

# What came out, smallest first: median, minimum, maximum.
summary() {
  sort -n | awk '{ v[NR] = $1 } END { printf "%.0f %.0f %.0f\n", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

bench_case() {
  local name=$1 script=$2 round hop tunnel
  : >"$work/hop" && : >"$work/tunnel"
  wrk_rate "$hop_port" "$script" >/dev/null
  wrk_rate "$relay_port" "$script" >/dev/null
  for ((round = 0; round < BENCH_ROUNDS; round++)); do
    wrk_rate "$hop_port" "$script" >>"$work/hop"
    wrk_rate "$relay_port" "$script" >>"$work/tunnel"
  done
  hop=$(summary <"$work/hop")
  tunnel=$(summary <"$work/tunnel")
  # shellcheck disable=SC2086
  printf '%-20s hop %6s (%s to %s)   tunnel %6s (%s to %s)   ratio %s\n' "$name" $hop $tunnel \
    "$(awk -v a="${tunnel%% *}" -v b="${hop%% *}" 'BEGIN { printf "%.2f", a / b }')"
}

bench_scripts() {
  echo 'wrk.method = "GET"' >"$work/get.lua"
  cat >"$work/post.lua" <<'TEXT'
wrk.method = "POST"
wrk.body = string.rep("x", 2048)
wrk.headers["Content-Type"] = "application/octet-stream"
TEXT
}

bench_tunnel() {
  local account token
  export HOME=$work XDG_DATA_HOME=$work XDG_CONFIG_HOME=$work XDG_STATE_HOME=$work
  unset "${!TUNNEL_@}"
  account=$("$BIN/relay" account add bench --data "$work/relay" --json)
  token=$(sed -n 's/.*"authtoken" *: *"\([^"]*\)".*/\1/p' <<<"$account")
  "$BIN/relay" domain add mine.example --account bench --data "$work/relay" >/dev/null
  bench_child "$BIN/relay" serve --domain localhost --listen "127.0.0.1:$relay_port" \
    --data "$work/relay"
  until_true 20 listening "$relay_port" || die "the relay did not start: $(tail "$work/children.log")"
  TUNNEL_AUTHTOKEN=$token bench_child "$BIN/tunnel" --domain mine.example --port "$app_port" \
    --relay "http://127.0.0.1:$relay_port"
  until_true 20 curl -sf --noproxy '*' -o /dev/null -H 'Host: mine.example' \
    "http://127.0.0.1:$relay_port/" || die "no answer: $(tail "$work/children.log")"
}

dev_bench() {
  local app_port hop_port near_port relay_port body name
  children=()
  need curl wrk nginx-light
  PATH=$PATH:/usr/sbin
  build release
  work=$(mktemp -d "${TMPDIR:-/tmp}/bench.XXXXXX")
  chmod 755 "$work"
  trap bench_end EXIT
  trap 'exit 130' INT TERM
  app_port=$(free_port 18100)
  near_port=$(free_port $((app_port + 1)))
  hop_port=$(free_port $((near_port + 1)))
  relay_port=$(free_port $((hop_port + 1)))
  body=$(printf 'x%.0s' {1..100})
  nginx_conf app "$app_port" "return 200 '$body';"
  nginx_hop near "$near_port" "$app_port"
  nginx_hop hop "$hop_port" "$near_port"
  for name in app near hop; do
    bench_child nginx -p "$work" -e "$work/$name.err" -c "$work/$name.conf"
  done
  until_true 10 listening "$hop_port" || die "nginx did not start: $(cat "$work"/*.err)"
  bench_tunnel
  bench_scripts
  say "$(nproc) cores, $BENCH_ROUNDS rounds of $BENCH_SECONDS s in turn, requests a second: median (least to most)"
  bench_case "GET 100 B, c=32" "$work/get.lua"
  bench_case "POST 2 KiB, c=32" "$work/post.lua"
}
