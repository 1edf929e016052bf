# needs: name
# uses: print_container.sh

print_container
