# Drains the node and stops its container, which Docker then leaves stopped when the host
# starts again, and notes when that was and who wanted it. The mark comes first: what is cut
# off here was wanted, and is done by the next try.
#
# needs: name, stop_s, stop_mark, by
# uses: ../node/drain.sh
if ! command -v docker >/dev/null; then
    echo 'Ray is not deployed here: there is no Docker' >&2
    exit 1
fi
printf 'since %s by %s\n%s\n' "$(date -u '+%Y-%m-%d %H:%M UTC')" "$by" "$name" >"$stop_mark.new"
mv -f -- "$stop_mark.new" "$stop_mark"
case $(docker container inspect --format '{{.State.Status}}' "$name") in
running | restarting | paused)
    drain
    docker stop -t "$stop_s" "$name"
    ;;
esac
