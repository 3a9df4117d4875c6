"""Nattevakt: from a sensor's bytes to a tablet that rings. ARCHITECTURE.md draws the nine arrows."""

__version__ = "0.1.0"
