"""The pictures that people bring to start from."""
