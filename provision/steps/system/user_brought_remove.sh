# needs: name
# uses: manifest/manifest.sh

# userdel takes the group of the user's name along if it is the primary one, and that may
# have been there before; 65534 is nobody's group everywhere.
case $(noted "group:$name") in there:*) usermod -g 65534 -- "$name" ;; esac
userdel -- "$name"
