# Puts the process back that this run replaced, because the one that replaced it is not
# healthy. Without one to go back to, one that systemd starts again and again is stopped.
# Prints what it did.
#
# needs: goes_back, head, head_port, agent_port, wait_s
# uses: shell/stop.sh, shell/begin.sh, http.sh

if ! "$goes_back" || [ ! -r "$process.previous/spec" ]; then
    # A worker ends again and again until its head is there, and then joins it.
    if [ -z "$head" ] || [ "$(http 3 open "$head" "$head_port")" = open ]; then
        [ "$(process_status)" != restarting ] || {
            systemctl stop "$process_unit"
            echo 'it is stopped: systemd would have started it again and again'
        }
    fi
    exit 0
fi
stop_process
rm -rf -- "$process"
mv -- "$process.previous" "$process"
begin_process
put_back_until=$(($(date +%s) + wait_s))
while [ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" != 200 ]; do
    if [ "$(date +%s)" -ge "$put_back_until" ]; then
        printf 'kept the old one: it was started again, and is not healthy after %s s\n' "$wait_s"
        exit 0
    fi
    sleep 1
done
echo 'kept the old one: it runs again, and is healthy'
