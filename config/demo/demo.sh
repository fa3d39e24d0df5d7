#!/usr/bin/env bash
# Shows a sample site at home being reached through the relay, on one machine.
#
#   config/demo/demo.sh [--once] [--root FOLDER] FRPS FRPC
#
# FRPS and FRPC are the programs. The relay runs with config/frps.ini and the client with
# config/frpc.ini, with addresses, ports and token replaced. --once ends after the check, with exit
# code 0 or 1; otherwise the demonstration stays up until Ctrl-C. With --root the two programs run
# inside that folder by chroot, and their paths are paths inside it.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
config="$(dirname "$here")"
once=no
root=
while [[ "${1:-}" == --* ]]; do
  case "$1" in
    --once) once=yes ;;
    --root)
      root="${2%/}"
      shift
      ;;
    *) break ;;
  esac
  shift
done
if [ $# -ne 2 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
frps="$1"
frpc="$2"

deadline_seconds=20
stop_seconds=15
attempt_max=3
pids=()
names=()
folder="$(mktemp -d "${root:-${TMPDIR:-/tmp}}/frp-demo.XXXXXX")"
inside="${folder#"$root"}"
[ -n "$root" ] || inside="$folder"

# --- Processes ----------------------------------------------------------------------------------

# start NAME COMMAND...: runs it in a session of its own, so that Ctrl-C reaches only this script.
start() {
  local name="$1"
  shift
  setsid "$@" </dev/null >"$folder/$name.log" 2>&1 &
  pids+=($!)
  names+=("$name")
}

is_alive() {
  kill -0 "$1" 2>/dev/null
}

# Ends every process, the last started first; sets `unclean` to those that did not exit with 0.
unclean=
stop_all() {
  local index pid code end
  unclean=
  for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
    pid="${pids[index]}"
    kill -TERM "$pid" 2>/dev/null || true
    end=$((SECONDS + stop_seconds))
    while is_alive "$pid" && [ "$SECONDS" -lt "$end" ]; do sleep 0.05; done
    kill -KILL "$pid" 2>/dev/null || true
    code=0
    wait "$pid" 2>/dev/null || code=$?
    # Python's web server knows no clean exit.
    if [ "${names[index]}" != site ] && [ "$code" -ne 0 ]; then
      unclean+=" ${names[index]} (exit code $code)"
    fi
  done
  pids=()
  names=()
}

# --- Results ------------------------------------------------------------------------------------

say() {
  printf '  %s\n' "$@"
}

fail() {
  local log
  echo
  echo "The demonstration failed: $1" >&2
  for log in "$folder"/*.log; do
    [ -s "$log" ] || continue
    echo "--- the end of $(basename "$log"):" >&2
    tail -n 20 "$log" >&2
  done
  exit 1
}

finish() {
  local code=$?
  trap - EXIT INT TERM
  stop_all
  rm -rf "$folder"
  exit "$code"
}
trap finish EXIT
trap 'echo; echo "Stopping."; exit 0' INT TERM

# wait_until WHAT PROCESS COMMAND...: polls until COMMAND succeeds. Returns 1 when the process with
# that name ends before, with `problem` set, and fails the demonstration at the deadline.
problem=
wait_until() {
  local what="$1" process="$2" index pid=
  shift 2
  for index in "${!names[@]}"; do
    [ "${names[index]}" = "$process" ] && pid="${pids[index]}"
  done
  local end=$((SECONDS + deadline_seconds))
  until "$@" >/dev/null 2>&1; do
    if ! is_alive "$pid"; then
      problem="$process ended at its start."
      return 1
    fi
    [ "$SECONDS" -lt "$end" ] || fail "$what did not happen within $deadline_seconds seconds."
    sleep 0.1
  done
}

# --- The parts ----------------------------------------------------------------------------------

# Asks the kernel for COUNT different free ports of 127.0.0.1.
free_ports() {
  python3 -c '
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' "$1"
}

write_site() {
  cp -r "$here/site" "$folder/site"
  head -c 4194304 /dev/urandom >"$folder/site/random.bin"
}

# The deployment of config/, with free ports, loopback addresses and a random token.
write_configuration() {
  local token
  token="$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')"
  sed -e "s/^bind_port *=.*/bind_addr = 127.0.0.1\nbind_port = $bind_port/" \
    -e "s/^token *=.*/token = $token/" "$config/frps.ini" >"$folder/frps.ini"
  sed -e "s/^server_addr *=.*/server_addr = 127.0.0.1/" \
    -e "s/^server_port *=.*/server_port = $bind_port/" -e "s/^token *=.*/token = $token/" \
    -e "s/^local_port *=.*/local_port = $site_port/" \
    -e "/^\[web\]/,/^\[web2\]/s/^remote_port *=.*/remote_port = $web_port/" \
    -e "/^\[web2\]/,\$s/^remote_port *=.*/remote_port = $web2_port/" \
    "$config/frpc.ini" >"$folder/frpc.ini"
}

run_program() {
  local name="$1" program="$2"
  if [ -n "$root" ]; then
    start "$name" chroot "$root" "$program" -c "$inside/$name.ini"
  else
    start "$name" "$program" -c "$inside/$name.ini"
  fi
}

# Starts the site, the relay and the client; returns 1 when one of them ended at once or the proxy
# was refused.
bring_up() {
  read -r site_port bind_port web_port web2_port < <(free_ports 4)
  write_configuration
  start site python3 -m http.server --bind 127.0.0.1 --directory "$folder/site" "$site_port"
  wait_until "The start of the sample site" site \
    curl -sS --noproxy '*' --max-time 2 -o /dev/null "http://127.0.0.1:$site_port/" || return 1
  run_program frps "$frps"
  wait_until "The start of frps" frps grep -q 'frps started successfully' "$folder/frps.log" ||
    return 1
  run_program frpc "$frpc"
  wait_until "The answer to the proxy" frpc \
    grep -Eq '\[web\] start (proxy success|error)' "$folder/frpc.log" || return 1
  problem="frps refused the proxy."
  grep -q '\[web\] start proxy success' "$folder/frpc.log" || return 1
}

# check URL NAME: fetches one file of the site through the relay and compares it.
check() {
  curl -sS --noproxy '*' --fail --max-time 20 -o "$folder/fetched" "$1/$2" \
    2>"$folder/curl.log" || fail "no answer from $1/$2."
  cmp -s "$folder/fetched" "$folder/site/$2" || fail "$1/$2 is not what the site serves."
}

# --- The demonstration --------------------------------------------------------------------------

write_site
attempt=1
until bring_up; do
  # Another process may have taken a port between the question to the kernel and its use.
  if ! grep -Eqi 'in use|port unavailable|port already used' "$folder"/*.log ||
    [ "$attempt" -ge "$attempt_max" ]; then
    fail "$problem"
  fi
  stop_all
  attempt=$((attempt + 1))
done

url="http://127.0.0.1:$web_port"
check "$url" index.html
check "$url" random.bin

echo
echo "swift-frp: a service at home, reached through the relay"
say "site at home   http://127.0.0.1:$site_port" \
  "frpc           connected to the relay at 127.0.0.1:$bind_port, publishes [web]" \
  "frps           listens for visitors on port $web_port" \
  "visitor        $url" \
  "checked        index.html and 4 MiB of random bytes, fetched through the relay: identical"

if [ "$once" = yes ]; then
  stop_all
  [ -z "$unclean" ] || fail "not stopped cleanly by SIGTERM:$unclean."
  echo "  stopped        frpc and frps ended by SIGTERM with exit code 0"
  exit 0
fi

echo
echo "Open $url in a browser. Ctrl-C ends the demonstration."
while :; do
  for index in "${!pids[@]}"; do
    is_alive "${pids[index]}" || fail "${names[index]} ended."
  done
  sleep 0.5
done
