# needs: thing
# uses: manifest/print_noted.sh, user_probe.sh

printf 'now=%s\n' "there:$(account "${thing#user:}")"
