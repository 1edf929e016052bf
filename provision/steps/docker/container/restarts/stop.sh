# needs:
# uses: stop_restarting.sh

stop_restarting
