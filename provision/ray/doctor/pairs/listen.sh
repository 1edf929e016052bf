# needs: perl_program, python_program, limit_s, "$@"
# Starts the program that listens at the ports "$@", in the language that this host has, for
# at most $limit_s seconds; it goes on when this script has ended. Prints what that program
# does: its process, and at which ports, or `tool=none`. Where a program listens already, that
# is what others will reach.

if command -v perl >/dev/null && perl -MSocket -MPOSIX -e 1 2>/dev/null; then
    perl -e "$perl_program" -- "$limit_s" "$@"
    exit
fi
for python in python3 /usr/libexec/platform-python; do
    command -v "$python" >/dev/null || continue
    "$python" -c "$python_program" "$limit_s" "$@"
    exit
done
echo tool=none
