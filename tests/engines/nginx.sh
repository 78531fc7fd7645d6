# nginx, which stands in front of the API in one journey: an installed one, or Debian's, which is
# unpacked and not installed: it would bring a service along that starts by itself.

# Sets NOROSHI_TEST_NGINX to the program.
provide_nginx() {
  if [[ ${NOROSHI_TEST_NGINX:-} ]]; then
    [[ -x $NOROSHI_TEST_NGINX ]] && return
    say "NOROSHI_TEST_NGINX=$NOROSHI_TEST_NGINX is no program"
    return 1
  fi
  if ! NOROSHI_TEST_NGINX=$(find_server nginx || unpack_nginx); then
    say "no nginx: install it (Debian: nginx-light), or name the program by NOROSHI_TEST_NGINX"
    return 1
  fi
}

# Prints where the program is.
unpack_nginx() {
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return
  say "unpacking Debian's nginx"
  mkdir "$work/nginx" && cd "$work/nginx" || return
  apt-get download -qq nginx >&2 || { ((EUID == 0)) && apt-get update -qq >&2 && apt-get download -qq nginx >&2; } || return
  dpkg -x nginx_*.deb . && [[ -x usr/sbin/nginx ]] && echo "$PWD/usr/sbin/nginx"
}
