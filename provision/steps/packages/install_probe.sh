# needs: "$@"
# uses: probe.sh, room.sh

! is_any_missing "$@" || print_room /usr /var/cache
