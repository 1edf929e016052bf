# Function that prints what the mark of a container says that was stopped on purpose, while
# that container is there and does not run: one that runs was started by somebody since. The
# second line of the mark names the container.
#
# needs: stop_mark
print_stop_mark() (
    [ -f "$stop_mark" ] && command -v docker >/dev/null || exit 0
    { read -r words && read -r marked; } <"$stop_mark" || exit 0
    case $(docker container inspect --format '{{.State.Status}}' "$marked" 2>/dev/null) in
    exited | created | dead) printf 'stopped=%s\n' "$words" ;;
    esac
)
