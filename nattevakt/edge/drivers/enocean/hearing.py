"""What frames mean to a gateway: readings, findings, answers, what to remember. Serves arrow 2.

Owns the decisions about one telegram: repeated, teach-in, secured, unknown, or news. Must not know bytes on the line,
probes, events or rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nattevakt.edge.drivers.driver import UNVERIFIED, Device, Finding, Learned, Reading, Remember, Said, Use
from nattevakt.edge.drivers.enocean import learn
from nattevakt.edge.drivers.enocean.decode import decode
from nattevakt.edge.drivers.enocean.frame import Frame, PacketType
from nattevakt.edge.drivers.enocean.profiles import PROFILES
from nattevakt.edge.drivers.enocean.secure import AHEAD_MAX, Lock, Refused, unlock, unwrapped
from nattevakt.edge.drivers.enocean.state import (
    FORGED_MS,
    LEARN_REPEAT_MS,
    LEARNED_MAX,
    NEAREST,
    PARTS_MAX,
    REPEAT_MS,
    TOLD_MAX,
    Last,
    State,
)
from nattevakt.edge.drivers.enocean.telegram import (
    KNOWN_RORGS,
    RPS,
    SEC_DECRYPTED,
    SEC_TEACH_IN,
    SECURED,
    UTE,
    Telegram,
)
from nattevakt.edge.errors import FrameError, RejectError

RLC_KEY = "enocean.rlc:"
"""Before a secured device's address: its row of memory."""
RECEIVER_VERIFIED = (3, 4)

REFUSALS: Mapping[str, str] = {
    "secured_cut": "sendte et avkuttet kryptert telegram",
    "secured_replayed": "sendte et gammelt kryptert telegram om igjen; det ble ikke tatt imot",
    "secured_no_rlc": "kan ikke leses: den rullende koden er ukjent; lær inn på nytt, eller skriv den i key_file",
    "secured_unverified": "sendte et kryptert telegram som ikke lar seg bekrefte: feil nøkkel, eller mer enn "
    f"{AHEAD_MAX} telegrammer er gått tapt; kontroller key_file eller lær inn på nytt",
    "secured_meaningless": "sendte et kryptert telegram uten kjent innhold",
}
"""What the installer is told; an exact repeat of the last telegram is only counted."""
DOUBTFUL = frozenset(("secured_cut", "secured_no_rlc", "secured_unverified"))
"""Refusals behind which a press may be: of a device that calls people they ring. A replay is none of them."""
BUTTONS = frozenset(("F6-01-01", "F6-02-01", "F6-02-02", "F6-05-01"))
"""Profiles that call people though no use is configured."""


class Hearing:
    """One step in the making: the mutable inside of a pure function."""

    def __init__(self, state: State, now_ms: int) -> None:
        self._before = state
        self.now_ms = now_ms
        self._devices = state.devices
        self._last = dict(state.last)
        self._told = set(state.told)
        self._locks = dict(state.locks)
        self._forged_ms = dict(state.forged_ms)
        self._learned = dict(state.learned)
        self._parts = dict(state.parts)
        until_ms = state.learn_until_ms
        self._learning = until_ms is not None and now_ms <= until_ms
        self.base_id, self.version, self.answered = state.base_id, state.version, state.answered
        self.outputs: list[Said] = []
        self.to_send: list[bytes] = []
        self.counted: dict[str, int] = {}

    def after(self) -> State:
        """The state as all that was heard leaves it."""
        return replace(
            self._before,
            last=self._last,
            told=frozenset(self._told),
            locks=self._locks,
            forged_ms=self._forged_ms,
            learned=self._learned,
            parts=self._parts if self._learning else {},
            learn_until_ms=self._before.learn_until_ms if self._learning else None,
            base_id=self.base_id,
            version=self.version,
            answered=self.answered,
        )

    def count(self, what: str, number: int = 1) -> None:
        """Add to a counter."""
        self.counted[what] = self.counted.get(what, 0) + number

    def tell(self, address: str, sentence: str) -> None:
        """Say a finding once; the memory of what was said is bounded."""
        finding = Finding(address, sentence)
        if finding not in self._told and len(self._told) < TOLD_MAX:
            self._told.add(finding)
            self.outputs.append(finding)

    def frame(self, frame: Frame) -> None:
        """Take in one whole frame."""
        self.count("frames")
        if frame.packet_type == PacketType.RESPONSE:
            self._response(frame)
        elif frame.packet_type == PacketType.RADIO_ERP1:
            try:
                self._telegram(Telegram.from_frame(frame))
            except FrameError:
                self.count("undecodable")
        else:
            self.count("other_packets")

    def _response(self, frame: Frame) -> None:
        """Any answer shows a living link; a base id has 5 bytes, a version 33."""
        self.answered = True
        self.count("responses")
        if frame.data[0] != 0:
            self.count("responses_not_ok")
        elif len(frame.data) == 5:
            self.base_id = frame.data[1:5].hex().upper()
        elif len(frame.data) >= 9:
            self.version = ".".join(str(b) for b in frame.data[1:5])

    def _telegram(self, telegram: Telegram) -> None:
        address = telegram.address
        device = self._devices.get(address)
        if telegram.rorg not in KNOWN_RORGS:
            self.count("unknown_rorg")
        elif telegram.learns:
            self._teach_in(telegram)
        elif telegram.rorg in SECURED:
            self._secured(telegram, device)
        elif device is None:
            self._unknown(telegram)
        elif telegram.rorg == SEC_DECRYPTED:
            self._by_receiver(telegram, device)
        elif address in self._locks and telegram.security not in RECEIVER_VERIFIED:
            self._unprotected(telegram, device)
        elif self._news(telegram):
            self._decode(telegram, device)

    def _unknown(self, telegram: Telegram) -> None:
        self.count("no_profile")
        if self._learning and telegram.rorg == RPS:
            if telegram.address not in self._learned and self._lately(telegram):
                sentence = "ble trykket på eller beveget; slike enheter navngir ingen profil, velg den i innstillingene"
                self.outputs.append(Learned(telegram.address, "", "", sentence))
            return
        self.tell(telegram.address, "høres, men er ikke satt opp med noen profil")

    def _decode(self, telegram: Telegram, device: Device) -> None:
        try:
            said = decode(telegram, device)
        except FrameError as error:
            self.tell(telegram.address, f"sendte noe som profilen {device.profile} ikke kjenner: {error.raw}")
            raise
        if isinstance(said, Finding):
            self.count("profile_mismatch")
            self.tell(said.address, said.sentence)
        else:
            self.outputs.append(said)

    def _is_copy(self, telegram: Telegram) -> bool:
        """Only the sender's latest payload counts, so a quick press, release, press is three telegrams."""
        last = self._last.get(telegram.address)
        copy = (
            last is not None
            and (last.rorg, last.payload) == (telegram.rorg, telegram.payload)
            and 0 <= self.now_ms - last.at_ms <= REPEAT_MS
        )
        if copy:
            self.count("repeated")
        return copy

    def _keep(self, telegram: Telegram) -> None:
        self._last[telegram.address] = Last(telegram.rorg, telegram.payload, self.now_ms)

    def _news(self, telegram: Telegram) -> bool:
        if self._is_copy(telegram):
            return False
        self._keep(telegram)
        return True

    # --- secured -----------------------------------------------------------------------------------------------

    def _secured(self, telegram: Telegram, device: Device | None) -> None:
        address, cipher = telegram.address, self._before.cipher
        lock = self._locks.get(address)
        if self._is_copy(telegram):
            return
        forged_ms = self._forged_ms.get(address)
        hurried = forged_ms is not None and self.now_ms - forged_ms < FORGED_MS
        if device is None or lock is None or cipher is None:
            self.count("secured_unsupported")
            self.tell(
                address,
                "sender krypterte telegrammer, men her er ingen nøkkel; oppgi key_file eller slå av sikker modus",
            )
            if device is not None and not hurried:
                self._doubtful(telegram, device)
            return
        profile = PROFILES.get(device.profile)
        rorg = profile.rorg if profile is not None else 0
        found = unlock(telegram, lock, cipher, rorg, NEAREST if hurried else AHEAD_MAX)
        if isinstance(found, Refused):
            self.count("secured_refused")
            self.count(found.why)
            if found.why in REFUSALS:
                self.tell(address, REFUSALS[found.why])
            if found.why in DOUBTFUL and not hurried:
                self._doubtful(telegram, device)
            return
        self.count("secured")
        self._keep(telegram)
        self._set_lock(address, found.lock)
        if found.telegram.learns:
            self.count("learn")
        else:
            self._decode(found.telegram, device)

    def _doubtful(self, telegram: Telegram, device: Device) -> None:
        """Nobody can say whose it is or what it says. A call button's rings all the same, and says that it is doubted.

        Once in FORGED_MS: that the next ones are no replays is not looked into so soon.
        """
        self._forged_ms[telegram.address] = self.now_ms
        if device.use in (Use.CALL, Use.FALL, Use.LEAK) or (device.use is Use.AUTO and device.profile in BUTTONS):
            self.count("secured_rung")
            self.outputs.append(Reading(telegram.address, {"action": UNVERIFIED}, raw=telegram.raw))

    def _set_lock(self, address: str, lock: Lock) -> None:
        self._locks[address] = lock
        self.outputs.append(Remember(RLC_KEY + address, lock.text()))

    def _by_receiver(self, telegram: Telegram, device: Device) -> None:
        """The transceiver has the key itself, and says what it did."""
        profile = PROFILES.get(device.profile)
        verified = telegram.security in RECEIVER_VERIFIED
        if not verified or profile is None:
            self.count("secured_unsupported")
            self.tell(telegram.address, "sender telegrammer som mottakeren har dekryptert uten å bekrefte avsenderen")
        if profile is None:
            return
        inside = unwrapped(telegram, telegram.payload, profile.rorg) if telegram.payload else None
        if inside is None:
            self.count("secured_meaningless")
            self.tell(telegram.address, REFUSALS["secured_meaningless"])
        elif not self._news(telegram):
            return
        elif verified:
            self._decode(inside, device)
        else:
            self._if_it_rings(inside, device)

    def _unprotected(self, telegram: Telegram, device: Device) -> None:
        """Anybody may have sent it. What would ring a person rings; what would calm one is not believed."""
        self.count("secured_plain")
        self.tell(
            telegram.address, "sendte ukryptert, men er satt opp med nøkkel; slikt tas bare imot når det er et varsel"
        )
        if self._news(telegram):
            self._if_it_rings(telegram, device)

    def _if_it_rings(self, telegram: Telegram, device: Device) -> None:
        said = decode(telegram, device)
        if isinstance(said, Reading) and _rings(said, device):
            self.outputs.append(said)

    # --- teach-in ----------------------------------------------------------------------------------------------

    def _lately(self, telegram: Telegram) -> bool:
        """Whether this teach-in is no repeater's copy, and there is room to keep it in mind."""
        last = self._learned.get(telegram.address)
        if last is not None and last.payload == telegram.payload and self.now_ms - last.at_ms <= LEARN_REPEAT_MS:
            return False
        if last is None and len(self._learned) >= LEARNED_MAX:
            return False
        self._learned[telegram.address] = Last(telegram.rorg, telegram.payload, self.now_ms)
        return True

    def _teach_in(self, telegram: Telegram) -> None:
        self.count("learn")
        if not self._learning:
            self.tell(telegram.address, "har sendt innlæringstelegram")
        elif not self._lately(telegram):
            self.count("repeated")
        elif telegram.rorg == SEC_TEACH_IN:
            self._secure_teach_in(telegram)
        elif telegram.rorg == UTE:
            self._ute(telegram)
        else:
            self._announce(telegram.address, learn.taught(telegram))

    def _announce(self, address: str, said: learn.Taught) -> None:
        maker = f" fra {said.maker}" if said.maker else ""
        if not said.profile:
            sentence = "meldte seg til innlæring uten å navngi noen profil; velg den i innstillingene"
        elif said.profile in PROFILES:
            sentence = f"meldte seg til innlæring med profilen {said.profile}{maker}"
        else:
            sentence = f"meldte seg til innlæring med profilen {said.profile}{maker}, som ikke støttes"
        self.outputs.append(Learned(address, said.profile, said.maker, sentence))

    def _ute(self, telegram: Telegram) -> None:
        query = learn.Query.of(telegram)
        if not query.is_query:
            self.count("ute_foreign")
            return
        said = learn.taught(telegram)
        verdict = learn.ACCEPTED if said.profile in PROFILES else learn.UNKNOWN_PROFILE
        if query.asks_out:
            verdict = learn.REFUSED
            self.tell(telegram.address, "ba om å bli glemt; ta den ut av innstillingene om den skal bort")
        else:
            self._announce(telegram.address, said)
        if not query.wants_answer:
            return
        if self.base_id is None:
            self.count("ute_no_base_id")
            self.tell(
                telegram.address,
                "ba om svar på innlæringen, men mottakerens base-ID er ikke lest ennå; prøv igjen om et halvt minutt",
            )
            return
        self.count("ute_answers")
        self.to_send.append(learn.answer(telegram, self.base_id, verdict).to_bytes())

    def _secure_teach_in(self, telegram: Telegram) -> None:
        address = telegram.address
        try:
            got = learn.collect(self._parts.pop(address, None), telegram)
        except RejectError as error:
            self.count("learn_secure_bad")
            hidden = error.field == "psk"
            self.tell(
                address,
                "sendte sikker innlæring med skjult nøkkel; skriv nøkkelen fra enhetens merkelapp i key_file"
                if hidden
                else "sendte sikker innlæring som ikke kunne leses; prøv igjen nærmere mottakeren",
            )
            return
        if isinstance(got, learn.Parts):
            while len(self._parts) >= PARTS_MAX:
                del self._parts[next(iter(self._parts))]
            self._parts[address] = got
            return
        lock = self._locks.get(address)
        if lock is None:
            profile = "F6-02-01" if got.rocker else ""
            sentence = "sendte sikker innlæring; skriv nøkkelen i en fil, og oppgi den som key_file"
            self.outputs.append(Learned(address, profile, "", sentence, got.key_line))
        elif lock.key != got.key or (lock.slf_given and lock.slf != got.slf):
            self.tell(address, "sendte sikker innlæring med en annen nøkkel eller SLF enn den i key_file")
        elif lock.next_rlc is not None and got.rlc < lock.next_rlc:
            self.count("secured_replayed")
            self.tell(address, REFUSALS["secured_replayed"])
        else:
            self._set_lock(address, replace(lock, slf=got.slf, next_rlc=got.rlc))
            self.outputs.append(Learned(address, "", "", "sendte sikker innlæring, og nøkkelen stemmer med key_file"))


def _rings(said: Reading, device: Device) -> bool:
    """Whether a reading can only call people, never calm them."""
    if said.values.get("wet") is True:
        return True
    pressed = said.values.get("pressed")
    if device.use is Use.AUTO:
        return isinstance(pressed, bool) and pressed != device.invert
    plain = pressed if pressed is not None else said.values.get("closed")
    return device.use in (Use.CALL, Use.FALL, Use.LEAK) and isinstance(plain, bool) and plain != device.invert
