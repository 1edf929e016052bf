"""Parts that a user adds to the container of a Ray node."""
