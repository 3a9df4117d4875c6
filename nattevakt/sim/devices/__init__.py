"""Simulated devices, one module for each radio: what happens to one becomes the bytes or JSON that it says. Serves
arrows 1 and 2 from the outside. Must not know gateways' insides, the centre, or how anything is delivered."""
