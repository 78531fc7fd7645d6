# Engines of emulator-compose.yml, each in a project of its own and on a free port.

containers=()

container_engine_runs() {
  docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1
}

# start_container NAME SERVICE PORT_VARIABLE: starts a service, and returns its port in $port.
start_container() {
  port=$(free_port)
  containers+=("$1")
  export "$3=$port"
  say "starting $2 of emulator-compose.yml"
  if ! compose "$1" up --detach --wait --wait-timeout 300 "$2" >&2; then
    compose "$1" logs --tail 40 >&2
    return 1
  fi
}

stop_containers() {
  local name
  for name in ${containers[@]+"${containers[@]}"}; do
    compose "$name" down --volumes >/dev/null 2>&1
  done
}

# compose NAME ARGUMENT...
compose() {
  docker compose --file emulator-compose.yml --project-name "noroshi-tests-$$-$1" "${@:2}" </dev/null
}
