# needs: perl_program, python_program, address, port, limit_s, limit_bytes
# Sends to $address, $port for $limit_s seconds or $limit_bytes, whichever ends first. Prints
# the bytes that arrived and the microseconds until then, or `why=` and the reason.

if command -v perl >/dev/null && perl -MSocket -MPOSIX -e 1 2>/dev/null; then
    perl -e "$perl_program" -- "$address" "$port" "$limit_s" "$limit_bytes"
    exit
fi
for python in python3 /usr/libexec/platform-python; do
    command -v "$python" >/dev/null || continue
    "$python" -c "$python_program" "$address" "$port" "$limit_s" "$limit_bytes"
    exit
done
echo 'why=neither perl nor python3 is there, to send with'
