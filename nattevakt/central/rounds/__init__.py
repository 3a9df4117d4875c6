"""Planned rounds: when somebody is to be looked to, who did it and how, and more often while a sensor is silent."""
