# Throwaway servers on loopback.
#
# Each runs in a process group of its own, with its log in $work. At exit, whatever the reason,
# the groups are stopped and $work is removed. It is in memory where that is offered: no test
# asks a server to survive the machine, and databases are made and dropped by the hundred.

in_memory=/dev/shm
[[ -d $in_memory && -w $in_memory ]] || in_memory=${TMPDIR:-/tmp}
work=$(mktemp -d "$in_memory/noroshi-tests.XXXXXX")
servers=()

say() {
  printf 'tests/%s: %s\n' "${0##*/}" "$*" >&2
}

# serve NAME COMMAND...: starts a server; its output is $work/NAME.log.
serve() {
  local name=$1
  shift
  set -m # a process group of its own: gcloud does not pass a signal on to its Java child
  "$@" </dev/null >"$work/$name.log" 2>&1 &
  set +m
  servers+=("$!")
}

# await NAME SECONDS CHECK...: waits until CHECK succeeds. When the time is up, or the server that
# was started last has ended, its log is shown.
await() {
  local name=$1 deadline=$((SECONDS + $2)) server=${servers[${#servers[@]} - 1]}
  shift 2
  until "$@"; do
    if ! kill -0 "$server" 2>/dev/null || ((SECONDS > deadline)); then
      show_log "$name"
      return 1
    fi
    sleep 0.1
  done
}

show_log() {
  say "$1 did not start; the end of its log:"
  tail -n 40 "$work/$1.log" >&2
}

# A port on which nobody listens, below those that the kernel hands out for outgoing connections.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)) && listens 127.0.0.1 "$port"; do :; done
  echo "$port"
}

# listens HOST PORT
listens() {
  (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

# answers_ok HOST PORT: whether GET / is answered with 200.
answers_ok() {
  (
    exec 3<>"/dev/tcp/$1/$2"
    printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
    read -r -t 5 status <&3
    [[ $status == HTTP/1.?\ 200* ]]
  ) 2>/dev/null
}

stop_servers() {
  local server
  for server in ${servers[@]+"${servers[@]}"}; do
    kill -TERM -- "-$server" 2>/dev/null || continue
    for _ in {1..100}; do
      kill -0 -- "-$server" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -KILL -- "-$server" 2>/dev/null
  done
}

clean_up() {
  local status=$?
  trap - EXIT
  set +e
  stop_containers
  stop_servers
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
