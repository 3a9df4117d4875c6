"""Stories of nights, one a file, each with broken twins. See docs/how-to/write-a-scenario.md."""
