# needs: "$@"
# uses: comes_with.sh, probe.sh, room.sh

! is_any_missing "$@" || print_room /usr /var/cache
[ "$steps" -lt 2 ] || print_what_comes "$@"
