#!/bin/sh
# Runs racktrace inside the container. `gateway` and `twin` without further words take their
# configuration from /etc/racktrace; everything else is passed on as it is.
set -eu
case "$#:${1-}" in
  1:gateway | 1:twin) set -- "$1" --config "/etc/racktrace/$1.yaml" ;;
esac
exec node /opt/racktrace/dist/src/cli/main.js "$@"
