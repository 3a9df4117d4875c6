"""`python -m tests.fuzz.corpus`: the seeds of make fuzz from tests/frames, one file a driver and profile that reads it.

Also minimal inputs that once found something belong in tests/fuzz/corpus; nothing here deletes any.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from nattevakt.edge.drivers.registry import MQTT_DIALECTS, SERIAL_DRIVERS
from tests.fuzz.harness import CODES, ESPHOME, NAMES, SCRIPT_MAX, play, script_of_bytes, script_of_message, vectors

CORPUS = Path(__file__).parent / "corpus"
PER_FILE = 12
"""Frames in one seed; few enough that a change of one byte changes little."""
DRIVERS = {
    "enocean-esp3": ("enocean",),
    "micradar-5359": ("micradar",),
    "tinyframe-hlk": ("tinyframe",),
    "ld2410": ("ld2410",),
    "ld2450": ("ld2410",),
    "shelly-gen2": ("shelly",),
    "chirpstack-v4": ("chirpstack",),
    "milesight-gateway": ("milesight",),
    "milesight-vs373-json": ("milesight",),
    "bthome-v2": (),
}
"""Drivers by the protocol's name in tests/frames where the two differ."""


def scripts() -> dict[str, list[bytes]]:
    """Scripts by driver."""
    found: dict[str, list[bytes]] = {name: [] for name in NAMES}
    for vector in vectors():
        protocol, raw = str(vector["protocol"]), vector.get("hex")
        for name in DRIVERS.get(protocol, (protocol,)):
            if name in SERIAL_DRIVERS and isinstance(raw, str):
                found[name].append(script_of_bytes(bytes.fromhex("".join(raw.split()))))
            elif name in MQTT_DIALECTS and "topic" in vector:
                found[name].append(script_of_message(str(vector["topic"]), str(vector["payload"])))
    found["esphome"] += [script_of_message(topic, payload) for topic, payload in ESPHOME]
    return found


def best_choice(name: str, script: bytes) -> int:
    """The profile byte under which most of a script is understood."""
    number = CODES[name]
    return max(range(64), key=lambda choice: (play(bytes((number, choice)) + script), -choice))


def seeds() -> dict[str, bytes]:
    """Every seed by its file's name."""
    found: dict[str, bytes] = {}
    for name, many in scripts().items():
        for at in range(0, len(many), PER_FILE):
            script = b"".join(many[at : at + PER_FILE])[:SCRIPT_MAX]
            seed = bytes((CODES[name], best_choice(name, script))) + script
            found[f"{name}-{sha256(seed).hexdigest()[:8]}"] = seed
    return found


if __name__ == "__main__":
    CORPUS.mkdir(exist_ok=True)
    for file, seed in seeds().items():
        (CORPUS / file).write_bytes(seed)
        print(file, len(seed), "bytes,", play(seed), "readings")
