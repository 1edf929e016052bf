#!/bin/sh
# A stand-in for update-rc.d(8).
case $2 in
enable) : >"/etc/rc3.d/S01$1" ;;
disable) rm -f "/etc/rc3.d/S01$1" ;;
esac
