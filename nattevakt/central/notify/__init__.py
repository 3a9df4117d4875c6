"""Delivery to people as a ledger. Serves arrow 9."""
