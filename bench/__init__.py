"""What we claim about speed and memory, as ratios to a floor measured in the same run. `python -m bench`."""
