"""Pages and API for who leads a ward: plans, grounds, pauses, and how well the alarms serve. Serves arrow 9."""
