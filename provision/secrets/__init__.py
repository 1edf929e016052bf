"""Secret values on the controller."""
