"""What breaks a running service, and the clients that watch it."""
