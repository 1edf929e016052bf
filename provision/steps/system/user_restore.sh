# needs: name
# uses: manifest/manifest.sh

was=$(noted "user:$name")
was=${was#there:}
home=$(printf '%s' "${was%:*}" | cut -d : -f 3 | sed 's/\\040/ /g')
group=$(printf '%s' "$was" | cut -d : -f 2)
usermod -u "${was%%:*}" -g "$group" -d "$home" -s "${was##*:}" -- "$name"
