"""Docker's engine, images and containers on a host."""
