"""What befalls the road between a gateway and the centre. Serves the explorer.

Owns how bad each trouble is drawn. What a trouble does is in sim/trouble.py and sim/network.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from nattevakt.sim.explore.befall import SECOND_MS, Befall, Ending, again_and_again
from nattevakt.sim.explore.story import Mishap
from nattevakt.sim.network import Trouble
from nattevakt.sim.trouble import Proxy
from nattevakt.sim.world import World

Makes = Callable[[Random], Trouble]


def _road(name: str, says: str, level: str, makes: Makes) -> Befall:
    def plays(world: World, mishap: Mishap, chance: Random) -> Ending:
        link, trouble = world.hosts[mishap.about].link, makes(chance)
        link.begin(trouble)
        return partial(link.end, trouble)

    return Befall(name, says, level, "gateway", plays)


def _proxy(proxy: Proxy) -> Makes:
    return lambda chance: Trouble(chance, proxy=proxy, meddles=chance.choice((1.0, 1.0, 0.6, 0.3)))


def _flaps(world: World, mishap: Mishap, chance: Random) -> Ending:
    """Up and down again and again, for seconds or half minutes each."""
    link, trouble = world.hosts[mishap.about].link, Trouble(chance, no_requests=True, no_answers=True)
    pace_ms = chance.choice((1_500, 8_000, 40_000))

    def turns() -> None:
        if any(one is trouble for one in link.troubles):
            link.end(trouble)
        else:
            link.begin(trouble)

    stops = again_and_again(world, turns, lambda: round(pace_ms * chance.uniform(0.3, 1.7)))

    def ending() -> None:
        stops()
        link.end(trouble)

    return ending


def _reorders(chance: Random) -> Trouble:
    """So unevenly late that one lane's request overtakes the other's, and an answer comes when nobody waits for it."""
    return Trouble(chance, late_ms=(0, chance.choice((900, 2_600, 5_500))))


def _wanders(chance: Random) -> Trouble:
    """Copies stay on the way and arrive when their successors have come before them."""
    late_ms = chance.choice((4, 20, 90)) * SECOND_MS
    return Trouble(chance, wanders=chance.uniform(0.1, 0.6), wanders_ms=(500, late_ms))


def _lossy(chance: Random) -> Trouble:
    lost, lost_answers = chance.uniform(0.05, 0.5), chance.choice((0.0, 0.3))
    return Trouble(chance, lost=lost, lost_answers=lost_answers)


def _late(chance: Random) -> Trouble:
    """A bad mobile network: each way takes its time, yet both together mostly less than the gateway waits."""
    least_ms = chance.choice((150, 600, 1_400))
    return Trouble(chance, late_ms=(least_ms, least_ms * 2))


def _all_lost(chance: Random) -> Trouble:
    return Trouble(chance, no_requests=True, no_answers=True)


ROADS = (
    _road("link_cut", "linja er brutt", "soft", _all_lost),
    _road("link_lossy", "linja mister forespørsler og svar", "soft", _lossy),
    _road("link_late", "linja er treg", "soft", _late),
    _road("link_half_open", "det som sendes kommer fram, men svarene blir borte", "hard",
          lambda chance: Trouble(chance, no_answers=True)),
    _road("link_deaf", "det som sendes blir borte, mens svar slipper gjennom", "hard",
          lambda chance: Trouble(chance, no_requests=True)),
    Befall("link_flaps", "linja faller ut og kommer igjen, gang på gang", "hard", "gateway", _flaps),
    _road("link_refused", "ingen tar imot forbindelsen", "hard", lambda chance: Trouble(chance, refuses=True)),
    _road("link_narrow", "linja tar bare noen hundre byte i sekundet", "hard",
          lambda chance: Trouble(chance, bytes_per_s=chance.choice((150, 600, 4_000)))),
    _road("link_slow", "hver forespørsel bruker sekunder", "hard",
          lambda chance: Trouble(chance, late_ms=(1_500, 4_000))),
    _road("link_doubles", "forespørsler kommer fram to ganger", "hard",
          lambda chance: Trouble(chance, doubled=chance.uniform(0.2, 1.0))),
    _road("link_wanders", "kopier av forespørsler kommer fram lenge etter", "hard", _wanders),
    _road("link_reorders", "forespørsler og svar løper forbi hverandre", "hard", _reorders),
    _road("proxy_502", "en mellomtjener svarer 502", "hard", _proxy(Proxy.BAD_GATEWAY)),
    _road("proxy_503", "en mellomtjener svarer 503", "hard", _proxy(Proxy.UNAVAILABLE)),
    _road("proxy_504", "en mellomtjener svarer 504 selv om sentralen har tatt imot", "hard",
          _proxy(Proxy.GATEWAY_TIMEOUT)),
    _road("portal", "et gjestenett svarer 200 med sin egen side", "hard", _proxy(Proxy.PORTAL)),
    _road("portal_redirect", "et gjestenett viser videre til sin egen side", "hard", _proxy(Proxy.REDIRECT)),
    _road("answers_cut_off", "svarene brytes av på midten", "hard", _proxy(Proxy.CUT_OFF)),
    _road("answers_shortened", "svarene er forkortet", "hard", _proxy(Proxy.SHORTENED)),
    _road("answers_nonsense", "svarene er 200 med noe annet i", "hard", _proxy(Proxy.NONSENSE)),
)  # fmt: skip
"""By what the road does."""
