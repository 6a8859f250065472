#!/bin/sh
# Puts the relay onto this machine as a service, or takes it away again. As root:
#
#   sh install.sh --domain tunnel.example.com [--binaries DIR] [--listen ADDRESS]
#   sh install.sh --uninstall [--purge]
#
# It may run as often as you like: what is right already is left alone, and the settings in
# /etc/relay/relay.yml are never overwritten. A newer binary replaces the old one and is started.
set -eu
umask 022

PROGRAM=/usr/local/bin/relay
SETTINGS=/etc/relay/relay.yml
DATA=/var/lib/relay
UNIT=/etc/systemd/system/relay.service
ACCOUNT=relay

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
domain='' binaries='' listen='' uninstall=no purge=no changed=no

say() { printf '%s\n' "$*"; }
die() {
  printf 'install.sh: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  fix: %s\n' "$2" >&2
  exit "${3:-1}"
}
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }

read_flags() {
  while [ $# -gt 0 ]; do
    case $1 in
      --domain | --binaries | --listen)
        [ $# -gt 1 ] || die "$1 needs a value" "sh install.sh --help" 2
        case $1 in
          --domain) domain=$2 ;;
          --binaries) binaries=$2 ;;
          --listen) listen=$2 ;;
        esac
        shift
        ;;
      --uninstall) uninstall=yes ;;
      --purge) purge=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) die "unknown argument: $1" "sh install.sh --help" 2 ;;
    esac
    shift
  done
  [ "$purge" = no ] || [ "$uninstall" = yes ] || die "--purge goes with --uninstall" '' 2
}

systemd_runs() { [ -d /run/systemd/system ]; }

# place SOURCE TARGET MODE: a file of root's, moved into place as a whole, and only if it differs.
place() {
  if cmp -s "$1" "$2" && [ "$(stat -c '%u:%g:%a' "$2")" = "0:0:$3" ]; then
    say "unchanged  $2"
    return
  fi
  install -D -m "$3" -o root -g root "$1" "$2.new"
  mv -f "$2.new" "$2"
  changed=yes
  say "installed  $2"
}

# folder PATH OWNER MODE
folder() {
  if [ -d "$1" ] && [ "$(stat -c '%U:%G:%a' "$1")" = "$2:$2:$3" ]; then
    say "unchanged  $1"
    return
  fi
  install -d -m "$3" -o "$2" -g "$2" "$1"
  say "made       $1, $3, owner $2"
}

find_binary() {
  if [ -n "$binaries" ]; then
    binary=$binaries/relay
    [ -f "$binary" ] || die "no relay in $binaries" \
      "build it with \`./dev build\`, then --binaries .build/release"
    return
  fi
  for binary in "$here/relay" "$here/../.build/release/relay" "$PROGRAM"; do
    [ ! -f "$binary" ] || return 0
  done
  die "no relay beside install.sh, in ../.build/release or at $PROGRAM" \
    "build it with \`./dev build\`, then --binaries .build/release"
}

# The processor of an ELF file: its e_machine, bytes 18 and 19 (elf(5)).
machine_of() {
  case $(od -An -tx1 -N4 "$1" | tr -d ' ')-$(od -An -tu2 -j18 -N2 "$1" | tr -d ' ') in
    7f454c46-62) echo x86_64 ;;
    7f454c46-183) echo aarch64 ;;
    7f454c46-*) echo "another processor" ;;
    *) echo "no program for Linux" ;;
  esac
}

# Whether the binary starts here, said in words that help.
check_binary() {
  [ -x "$binary" ] || die "$binary is not executable" "chmod 755 $binary"
  built_for=$(machine_of "$binary")
  [ "$built_for" = "$(uname -m)" ] || die "$binary is for $built_for, this machine is $(uname -m)" \
    "build it on this machine, or on one of the same kind"
  if version=$("$binary" version 2>&1); then
    say "binary     $binary, $version"
    return
  fi
  missing=$(ldd "$binary" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' |
    tr '\n' ' ')
  case $missing$version in
    *libsqlite3*) die "$binary needs libsqlite3.so.0, which is not on this machine" \
      "apt-get install -y libsqlite3-0" ;;
    *libswift*) die "$binary was built with Swift's libraries outside of it: $missing" \
      "build it with \`./dev build\`" ;;
    *GLIBC_*) die "$binary was built on a newer system than this one: $version" \
      "build it on this system or an older one" ;;
  esac
  [ -z "$missing" ] || die "$binary needs what is not on this machine: $missing"
  die "$binary does not start: $version"
}

# A host name as DNS has it, with at least one dot.
check_domain() {
  printf '%s\n' "$1" |
    LC_ALL=C grep -Eqx '([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?' ||
    die "\`$1\` is no domain" "such as --domain tunnel.example.com, in small letters" 2
}

ask_domain() {
  [ ! -e "$SETTINGS" ] || return 0
  if [ -z "$domain" ]; then
    [ -t 0 ] || die "which domain is the relay's?" "sh install.sh --domain tunnel.example.com" 2
    printf 'The relay'\''s domain, such as tunnel.example.com: '
    read -r domain
  fi
  check_domain "$domain"
}

make_user() {
  if ! getent passwd "$ACCOUNT" >/dev/null; then
    useradd --system --user-group --home-dir "$DATA" --no-create-home \
      --shell /usr/sbin/nologin "$ACCOUNT"
    say "made       user $ACCOUNT"
  elif [ "$(id -u "$ACCOUNT")" -ge 1000 ] || [ "$(id -u "$ACCOUNT")" = 0 ]; then
    die "the user $ACCOUNT is a person's or root, not a service's" \
      "rename that user; the service needs this name for itself"
  else
    say "unchanged  user $ACCOUNT"
  fi
}

write_settings() {
  if [ -e "$SETTINGS" ]; then
    say "kept       $SETTINGS"
    [ -z "$domain" ] || grep -q "^domain: *$domain *\$" "$SETTINGS" ||
      say "           its domain is another one than $domain: change it there"
    [ -z "$listen" ] || say "           --listen is for the first time: change it there"
    return
  fi
  draft=$(mktemp)
  cat >"$draft" <<TEXT
# The relay's settings; then \`systemctl restart relay\`.
domain: $domain
# A web server on this machine speaks HTTPS for it.
listen: ${listen:-127.0.0.1:8080}
behind_proxy: true
data: $DATA
TEXT
  place "$draft" "$SETTINGS" 644
  rm -f "$draft"
}

# Under systemd only: enabled, and restarted if what runs is not what lies there now.
start() {
  if ! systemd_runs; then
    say "systemd does not run here: the relay is installed and was not started"
    return
  fi
  systemctl daemon-reload
  systemctl is-enabled --quiet relay || systemctl enable --quiet relay
  if [ "$changed" = yes ]; then
    systemctl restart relay || failed
  else
    systemctl is-active --quiet relay || systemctl start relay || failed
  fi
  say "running    $(systemctl show --property StatusText --value relay)"
}

failed() {
  journalctl --unit relay --no-pager --lines 10 >&2 || true
  die "the relay does not start; its last words are above" "see journalctl -u relay"
}

# How a command becomes the relay's user: only that one may write in its data.
as_relay() {
  if command -v sudo >/dev/null; then
    echo "sudo -u $ACCOUNT"
  else
    echo "runuser -u $ACCOUNT --"
  fi
}

next_steps() {
  name=$(sed -n 's/^domain: *\([^ #]*\).*/\1/p' "$SETTINGS" | head -n 1)
  cat <<TEXT

Next:
 1. DNS, both to this machine's address:   $name   *.$name
 2. HTTPS in front, on ports 80 and 443: Caddyfile or nginx.conf, beside install.sh
 3. An account; its authtoken is shown this once:
      $(as_relay) relay account add NAME
 4. On the laptop:
      tunnel login https://$name
      tunnel 3000
TEXT
}

remove() {
  if systemd_runs && [ -e "$UNIT" ]; then systemctl disable --quiet --now relay; fi
  for file in "$UNIT" "$PROGRAM"; do
    [ ! -e "$file" ] || { rm -f "$file" && say "removed    $file"; }
  done
  if systemd_runs; then systemctl daemon-reload; fi
  if [ "$purge" = no ]; then
    # Its user too: the number would go to the next service, and these files with it.
    for kept in "$DATA" "$SETTINGS"; do [ ! -e "$kept" ] || say "kept       $kept"; done
    ! getent passwd "$ACCOUNT" >/dev/null || say "kept       user $ACCOUNT"
    say "\`sh install.sh --uninstall --purge\` removes these too, for ever"
    return
  fi
  rm -rf -- "$DATA" "$(dirname "$SETTINGS")" "$UNIT.d"
  if getent passwd "$ACCOUNT" >/dev/null; then userdel "$ACCOUNT"; fi
  say "removed    $DATA, $(dirname "$SETTINGS"), user $ACCOUNT"
}

read_flags "$@"
[ "$(id -u)" = 0 ] || die "this needs root" "sudo sh $0 $*"
if [ "$uninstall" = yes ]; then
  remove
  exit 0
fi
[ -f "$here/relay.service" ] ||
  die "no relay.service beside install.sh" "copy the whole folder deploy"
ask_domain
find_binary
check_binary
make_user
folder "$DATA" "$ACCOUNT" 700
[ "$binary" = "$PROGRAM" ] || place "$binary" "$PROGRAM" 755
write_settings
place "$here/relay.service" "$UNIT" 644
start
next_steps
