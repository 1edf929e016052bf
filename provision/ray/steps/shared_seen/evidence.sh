# needs: name, "$@"

for folder; do
    timeout -s KILL 10 docker exec "$name" ls -ld "$folder" 2>&1 | tail -n 1
    grep -F " $folder " /proc/self/mountinfo | tail -n 1
done
