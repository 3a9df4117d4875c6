"""Rules of digital supervision: pure functions from facts to verdicts. One rule, one file, one page in the docs."""
