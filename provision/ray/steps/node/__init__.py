"""A Ray node: Ray in a container of its host."""
