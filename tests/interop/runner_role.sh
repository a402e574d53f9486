#!/usr/bin/env bash
# The relay, or the client, as the interop runner starts it: runner_role.sh RELAY CLIENT
#
# The programs are the `relay` of the examples and comoq_interop_runner. The environment says the rest, in the runner's words:
#   MOQT_ROLE   client or relay; client if it is not set
#   MOQT_PORT   the relay's port, of UDP for QUIC and WebTransport and of TCP for WebSocket; 4443 if it is not set
#   MOQT_CERT, MOQT_KEY
#               its certificate and key; /certs/cert.pem and /certs/priv.key
#   MOQT_DRAFT  draft-18, for example: the one draft that it speaks; all that it has if it is not set
# The client reads its own (--help). MOQT_MLOG_DIR is not looked at: neither writes such a log.
#
# The exit code is the program's; 127 for another role.
set -euo pipefail

[ $# = 2 ] || { echo "usage: runner_role.sh RELAY CLIENT" >&2; exit 2; }
case ${MOQT_ROLE:-client} in
    client) exec "$2" ;;
    relay) ;;
    *)
        echo "runner_role.sh: the role '$MOQT_ROLE' is unknown here" >&2
        exit 127
        ;;
esac
draft=()
[ -z "${MOQT_DRAFT:-}" ] || draft=(--protocol "moqt-${MOQT_DRAFT#draft-}")
exec "$1" --listen "https://0.0.0.0:${MOQT_PORT:-4443}" --cert "${MOQT_CERT:-/certs/cert.pem}" \
    --key "${MOQT_KEY:-/certs/priv.key}" "${draft[@]}"
