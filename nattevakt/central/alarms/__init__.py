"""Alarms: their kinds, their life as a table, and the one writer. Serves arrow 8."""
