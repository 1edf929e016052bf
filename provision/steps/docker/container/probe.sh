# needs: name, image, files
# uses: probe_container.sh

probe_container
