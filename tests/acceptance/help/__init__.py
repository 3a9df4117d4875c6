"""From alarm to help: the whole application in one process, on both databases, with the clock in the test's hand."""
