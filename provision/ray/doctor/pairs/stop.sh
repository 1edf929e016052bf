# needs: "$@"
# Ends the listeners, whose processes are "$@".

for pid; do
    case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
    *accept*) kill "$pid" 2>/dev/null || true ;;
    esac
done
