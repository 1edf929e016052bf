"""A cluster that is stopped on purpose and started again."""
