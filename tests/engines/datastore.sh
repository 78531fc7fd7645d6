# Google's Firestore emulator in Datastore mode: a running one, the one of an installed Google
# Cloud SDK, or a container.

# Sets DATASTORE_EMULATOR_HOST.
provide_datastore() {
  if [[ ${DATASTORE_EMULATOR_HOST:-} ]]; then
    if ! answers_ok "${DATASTORE_EMULATOR_HOST%:*}" "${DATASTORE_EMULATOR_HOST##*:}"; then
      say "nobody answers at DATASTORE_EMULATOR_HOST=$DATASTORE_EMULATOR_HOST"
      return 1
    fi
    return
  fi
  if command -v gcloud >/dev/null && java_is_recent; then
    start_emulator || return
  elif container_engine_runs; then
    start_container datastore datastore NOROSHI_DATASTORE_PORT || return
  else
    say "no Datastore: install the Google Cloud SDK (package google-cloud-cli), its component" \
      "cloud-firestore-emulator (package google-cloud-cli-firestore-emulator) and Java 17 or later," \
      "or name a running emulator by DATASTORE_EMULATOR_HOST"
    return 1
  fi
  DATASTORE_EMULATOR_HOST=127.0.0.1:$port
}

# Java says `version "17.0.15"` or, before 9, `version "1.8.0"`, which is not recent either.
java_is_recent() {
  local version
  version=$(java -version 2>&1) || return
  [[ $version =~ version\ \"([0-9]+) ]] && ((BASH_REMATCH[1] >= 17))
}

# Starts the emulator, and returns its port in $port. Without prompts, gcloud installs the
# component where it may, and says what to install where it may not.
start_emulator() {
  port=$(free_port)
  CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_CONFIG=$work/gcloud serve datastore \
    gcloud emulators firestore start --database-mode=datastore-mode --host-port="127.0.0.1:$port"
  await datastore 120 answers_ok 127.0.0.1 "$port"
}
