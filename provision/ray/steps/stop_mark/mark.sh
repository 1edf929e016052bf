# Function that prints what the mark of a node says that was stopped on purpose, while that
# node is there and does not run: one that runs was started by somebody since. The second line
# of the mark names its container; or `process`, its unit, and its folder.
#
# needs: stop_mark
print_stop_mark() (
    [ -f "$stop_mark" ] || exit 0
    { read -r words && read -r marked; } <"$stop_mark" || exit 0
    case $marked in
    'process '*)
        marked=${marked#process }
        unit=${marked%% *} folder=${marked#* }
        [ -r "$folder/spec" ] || exit 0
        if [ -d /run/systemd/system ]; then
            case $(systemctl show -p ActiveState "$unit" 2>/dev/null) in
            *=inactive | *=failed) ;;
            *) exit 0 ;;
            esac
        else
            [ ! -e "$folder/pid" ] || exit 0 # a process that is stopped leaves none
        fi ;;
    *)
        command -v docker >/dev/null || exit 0
        case $(docker container inspect --format '{{.State.Status}}' "$marked" 2>/dev/null) in
        exited | created | dead) ;;
        *) exit 0 ;;
        esac ;;
    esac
    printf 'stopped=%s\n' "$words"
)
