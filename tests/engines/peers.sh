# Others' clients and servers for push gateways, which the tests let speak with ours.

# Sets NOROSHI_TEST_PEERS to the directory in which they are installed.
provide_peers() {
  NOROSHI_TEST_PEERS=$PWD/target/test-peers
  install_peers node package-lock.json install_node_peers &&
    install_peers python requirements.txt install_python_peers
}

# install_peers NAME MANIFEST INSTALL: installs into a directory of their own, unless what is
# installed there is of the same versions.
install_peers() {
  local name=$1 manifest=$2 install=$3
  local source=tests/peers/$name directory=$NOROSHI_TEST_PEERS/$name
  mkdir -p "$directory"
  cp "$source"/* "$directory"
  # Written last, so it says that the installation came to its end.
  cmp -s "$source/$manifest" "$directory/installed" && return
  say "installing peers into $directory"
  "$install" "$directory" && cp "$source/$manifest" "$directory/installed"
}

install_node_peers() {
  if ! command -v npm >/dev/null; then
    say "no npm: install Node.js 20 or later with npm"
    return 1
  fi
  npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund </dev/null >&2
}

install_python_peers() {
  if ! python3 -m venv --clear "$1/venv"; then
    say "no Python: install Python 3.10 or later with its module venv"
    return 1
  fi
  "$1/venv/bin/pip" install --quiet --disable-pip-version-check -r "$1/requirements.txt" </dev/null >&2
}
