# Gives the head its session's name back, and starts it.
#
# needs: name, restart, stop_s, tables, session
# uses: write_session.sh

docker update --restart "$restart" "$name" >/dev/null
docker stop -t "$stop_s" "$name" >/dev/null
write_session
docker start "$name"
