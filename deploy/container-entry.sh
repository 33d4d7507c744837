#!/bin/sh
# Runs racktrace inside the container. `gateway` and `twin` without further words take their configuration from
# /etc/racktrace, and both are started with Node's options and the variables of their units; everything else
# is passed on as it is.
set -eu
main=/opt/racktrace/dist/src/cli/main.js
options=
case "${1-}" in
  gateway | twin)
    unit="$(dirname "$(readlink -f "$0")")/racktrace-$1.service"
    options=$(sed -n "s|^ExecStart=[^ ]*/node \(.*\)$main .*|\1|p" "$unit")
    for variable in $(sed -n 's|^Environment=||p' "$unit"); do export "${variable?}"; done
    ;;
esac
case "$#:${1-}" in
  1:gateway | 1:twin) set -- "$1" --config "/etc/racktrace/$1.yaml" ;;
esac
# Split into words: there may be several options, or none.
# shellcheck disable=SC2086
exec node $options "$main" "$@"
