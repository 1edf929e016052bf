# needs: thing
# uses: manifest.sh

printf 'noted=%s\n' "$(noted "$thing")"
