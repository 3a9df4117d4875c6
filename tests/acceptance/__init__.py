"""The whole way, with real processes: real bytes on a pseudo-terminal, a real broker, a real browser, real kills."""
