# needs: host, port, path
# uses: http.sh

case $path in
'') http 3 open "$host" "$port" ;;
*) http 3 code "$host" "$port" "$path" ;;
esac
