"""The commands about the images on the hosts."""
