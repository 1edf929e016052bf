# Prints which environment the link shows; if it is not the one that it is to show, also
# whether that one is made, and else the Python that it is to be made with, and the room for it.
#
# needs: folder, name, link, python
# uses: room.sh

current=$(readlink -- "$folder/$link" 2>/dev/null) || current=
# One that is only begun has no record.
[ -z "$current" ] || [ ! -r "$folder/$current/.provision" ] || printf '%s=%s\n' "$link" "$current"
[ "$current" != "$name" ] || [ ! -r "$folder/$name/.provision" ] || exit 0
if [ -r "$folder/$name/.provision" ]; then
    echo made=true
    exit 0
fi
if command -v "$python" >/dev/null; then
    "$python" -c '
import platform
print("python=" + platform.python_version())
print("machine=" + platform.machine())
for name in ("venv", "ensurepip"):
    try:
        __import__(name)
    except ImportError:
        print("venv=" + name)
' 2>/dev/null || true
fi
print_room "$(nearest "$folder")"
