"""Tools for those who work on the project: reference pages, vendored assets, screenshots."""
