# MySQL and MariaDB: a running server, a throwaway one of an installed package, or a container.

# Sets NOROSHI_TEST_MYSQL_URL to a server of either kind.
provide_sql() {
  local server
  if [[ ${NOROSHI_TEST_MYSQL_URL:-} ]]; then
    expect_listening "$NOROSHI_TEST_MYSQL_URL"
    return
  fi
  if server=$(find_server mariadbd || find_server mysqld); then
    start_server sql "$server" || return
  elif container_engine_runs; then
    start_container sql mysql NOROSHI_MYSQL_PORT || return
  elif install_mariadb; then
    start_server sql "$(find_server mariadbd)" || return
  else
    say "no SQL server: install MariaDB (Debian: mariadb-server), or name one by NOROSHI_TEST_MYSQL_URL"
    return 1
  fi
  NOROSHI_TEST_MYSQL_URL=mysql://root@127.0.0.1:$port
}

# Sets MYSQL_URL to a server that is MySQL and not MariaDB.
provide_mysql() {
  local server
  if [[ ${NOROSHI_TEST_MYSQL8_URL:-} ]]; then
    MYSQL_URL=$NOROSHI_TEST_MYSQL8_URL
    expect_listening "$MYSQL_URL"
    return
  fi
  if server=$(find_server mysqld) && ! is_mariadb "$server"; then
    start_server mysql "$server" || return
  elif container_engine_runs; then
    start_container mysql mysql NOROSHI_MYSQL_PORT || return
  else
    say "no MySQL: install MySQL 8 or later, or name one by NOROSHI_TEST_MYSQL8_URL"
    return 1
  fi
  MYSQL_URL=mysql://root@127.0.0.1:$port
}

expect_listening() {
  local authority=${1#*://}
  authority=${authority%%[/?]*}
  local address=${authority##*@}
  local host=${address%:*} port=${address##*:}
  [[ $port == "$address" ]] && port=3306
  if ! listens "$host" "$port"; then
    say "nobody listens at $host:$port, which the environment names as a SQL server"
    return 1
  fi
}

# find_server NAME: an installed server. Debian keeps them where only root's PATH looks.
find_server() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1"
}

is_mariadb() {
  [[ $("$1" --no-defaults --version 2>/dev/null) == *MariaDB* ]]
}

# The core packages: the server and what initialises it, and no service that starts by itself.
install_mariadb() {
  ((EUID == 0)) && command -v apt-get >/dev/null || return
  say "installing Debian's MariaDB"
  apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends mariadb-server-core mariadb-client-core </dev/null >&2
}

# start_server NAME SERVER: starts an instance on data of its own, and returns its port in $port.
# Its root has no password.
start_server() {
  local name=$1 server=$2 data=$work/$1
  port=$(free_port)
  initialise "$server" "$data" >"$work/$name.log" 2>&1 || {
    show_log "$name"
    return 1
  }
  serve "$name" "$server" --no-defaults --user="$(id -un)" --datadir="$data" --socket="$data/socket" \
    --bind-address=127.0.0.1 --port="$port" --max-connections=1000 \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_bin \
    --secure-file-priv= --loose-mysqlx=OFF
  await "$name" 60 grep -q "ready for connections.*port: $port\|^Version.*port: $port" "$work/$name.log"
}

# Initialises data. MariaDB's script would refuse on a machine whose host name does not resolve.
initialise() {
  if is_mariadb "$1"; then
    mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$2" \
      --auth-root-authentication-method=normal --force --skip-test-db
  else
    "$1" --no-defaults --user="$(id -un)" --datadir="$2" --secure-file-priv= --initialize-insecure
  fi
}
