"""The kill suite: real processes under load, killed and stopped at random; afterwards everything is counted."""
