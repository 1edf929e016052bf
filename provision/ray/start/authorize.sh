# needs: key
# Adds a line to the authorized keys of this user, unless it is there.

umask 077
authorized=$HOME/.ssh/authorized_keys
mkdir -p "$HOME/.ssh"
if [ -e "$authorized" ] && grep -qxF -e "$key" "$authorized"; then
    exit 0
fi
# A last line without an end would be one with ours.
if [ -s "$authorized" ] && [ -n "$(tail -c 1 "$authorized")" ]; then
    echo >>"$authorized"
fi
printf '%s\n' "$key" >>"$authorized"
if command -v restorecon >/dev/null; then restorecon -RF "$HOME/.ssh" || :; fi
