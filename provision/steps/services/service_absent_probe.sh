# needs: name
# uses: service.sh

exists || exit 0
running=$(state)
[ "$running" = false ] || printf 'running=%s\n' "$running"
[ "$(boot)" != true ] || echo boot=true
