"""What the virtual hosts download: packages, archives and images."""
