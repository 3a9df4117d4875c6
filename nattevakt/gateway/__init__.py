"""The gateway: the small program beside the radios. Serves arrows 4 and 5, and is the only code that opens ports."""
