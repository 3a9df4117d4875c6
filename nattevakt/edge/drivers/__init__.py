"""Drivers: bytes or messages in, readings out, and the same way back. One folder a serial radio, one file a dialect."""
