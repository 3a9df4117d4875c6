"""The schema's history: one file a version, run in order. Serves every arrow of the centre."""
