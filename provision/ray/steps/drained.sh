# Drains the Ray node and stops its container.
#
# needs: name, stop_s
# uses: node/drain.sh
drain
docker stop -t "$stop_s" "$name"
