"""The tablet of the night staff: pages, live link, view models, and what each reason is called. Serves arrow 9."""
