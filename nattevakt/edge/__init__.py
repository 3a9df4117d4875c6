"""The language that gateway and centre both speak. Pure: standard library, no I/O, no clock, no threads."""
