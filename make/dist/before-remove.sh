#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now harborhook-core.service harborhook-jobservice.service harborhook-standalone.service
fi
