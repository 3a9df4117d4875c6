"""Simulated hardware and the demo. On top of everything; imported by nothing but tests and benches."""
