"""EnOcean over a serial transceiver: ESP3 frames (frame.py), ERP1 telegrams by profile (decode.py), driver.py."""
