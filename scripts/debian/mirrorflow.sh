#!/bin/sh
# The command mirrorflow, with the Node that its package contains.
exec /usr/lib/mirrorflow/bin/node /usr/lib/mirrorflow/dist/programs/console/main.js "$@"
