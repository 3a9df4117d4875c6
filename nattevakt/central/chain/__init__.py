"""Tests of the whole way from a gateway to a person's tap, and their certificates."""
