"""One module for each serial driver, named as in the registry, with the constant SAMPLE for test_streams.py."""
