"""Commands about Ray Serve: serve.deploy, serve.status, serve.stop."""
