"""What an operator does: run the server, keep copies of it, clean up, let people in, ask what holds."""
