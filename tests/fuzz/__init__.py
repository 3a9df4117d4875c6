"""Coverage-guided fuzzing of every driver (`make fuzz`); its corpus is played as plain tests too."""
