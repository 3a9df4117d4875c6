"""Who lives where and which device hangs where. Serves arrow 7."""
