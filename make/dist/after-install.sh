#!/bin/sh
# Starts nothing: a service has nothing to run with before it is configured. A
# running one is restarted after an upgrade.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
if [ "$1" = configure ] && [ -n "${2:-}" ]; then
	systemctl try-restart harborhook-core.service harborhook-jobservice.service harborhook-standalone.service
fi
