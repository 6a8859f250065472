# An authority of this project's own, for `./dev up --tls`: kept in .dev/tls, good for names below
# localhost alone, so that whoever trusts it trusts it with nothing else.

TLS=$DEV/tls

# make_authority: .dev/tls/ca.pem and its key, made once.
make_authority() {
  [ -s "$TLS/ca.pem" ] && [ -s "$TLS/ca.key" ] && return 0
  say "making an authority of your own: $TLS/ca.pem"
  (
    umask 077
    mkdir -p "$TLS"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
      -keyout "$TLS/ca.key" -out "$TLS/ca.pem" -config <(
        printf '%s\n' '[req]' 'distinguished_name = name' 'x509_extensions = ca' 'prompt = no' \
          '[name]' "CN = tunnel ./dev up, $(id -un)@$(uname -n)" '[ca]' \
          'basicConstraints = critical, CA:TRUE, pathlen:0' \
          'keyUsage = critical, keyCertSign, cRLSign' 'subjectKeyIdentifier = hash' \
          'nameConstraints = critical, permitted;DNS:localhost'
      )
  ) 2>"$DEV/openssl.log" || die "openssl made no authority: $DEV/openssl.log"
}

# make_certificate [NAME]: for localhost, what is below it, and this name; kept while it is good for
# a month. A wildcard right below localhost counts for few programs, so the name stands by itself.
make_certificate() {
  local names="DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1${1:+,DNS:$1}"
  local chain=$TLS/cert.pem key=$TLS/key.pem
  if openssl x509 -in "$chain" -noout -checkend 2592000 >/dev/null 2>&1 &&
    [ "$(cat "$TLS/names" 2>/dev/null)" = "$names" ] &&
    openssl verify -CAfile "$TLS/ca.pem" "$chain" >/dev/null 2>&1; then
    return 0
  fi
  (
    umask 077
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" \
      -keyout "$key.new" -out "$TLS/request.pem" &&
      openssl x509 -req -in "$TLS/request.pem" -CA "$TLS/ca.pem" -CAkey "$TLS/ca.key" \
        -set_serial "0x$(openssl rand -hex 8)" -days 397 -out "$chain.new" -extfile <(
          printf '%s\n' 'basicConstraints = critical, CA:FALSE' \
            'extendedKeyUsage = serverAuth' "subjectAltName = $names"
        )
  ) 2>"$DEV/openssl.log" || die "openssl made no certificate: $DEV/openssl.log"
  # Whole files take the names: a running relay may look at any moment.
  mv "$chain.new" "$chain"
  mv "$key.new" "$key"
  echo "$names" >"$TLS/names"
}

# Where it is, and how others are told to believe it.
explain_authority() {
  cat <<TEXT
Authority  $TLS/ca.pem, for names below localhost alone
  curl     curl --cacert $TLS/ca.pem $1
  Node     NODE_EXTRA_CA_CERTS=$TLS/ca.pem
  others   SSL_CERT_FILE=$TLS/ca.pem, where OpenSSL is asked; a browser: import it as an authority
TEXT
}
