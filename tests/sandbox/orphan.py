"""A server with one run, for the test that kills the server."""

from tests.sandbox.scenes import serve_one

if __name__ == "__main__":
    serve_one()
