#!/bin/sh
# Settings and data stay.
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
