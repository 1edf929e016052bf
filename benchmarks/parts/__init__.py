"""The parts of `invoke bench`, each a section of the results."""
