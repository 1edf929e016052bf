"""Lab tests of what a person does first."""
