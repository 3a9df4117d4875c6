"""What each form on the page of a night means: a drawing of it, and words. Serves timeline.

Owns the legend. Must not know any night.
"""


def _bar(style: str, from_px: float, wide_px: float, high_px: float = 14) -> str:
    place = f'x="{from_px:g}" y="{12 - high_px / 2:g}" width="{wide_px:g}" height="{high_px:g}"'
    return f'<rect class="{style}" {place} rx="2"/>'


def _mark(form: str, style: str, x_px: float = 38) -> str:
    return f'<use href="#f-{form}" x="{x_px:g}" y="12" class="{style}"/>'


KEY = (
    (_bar("p1", 3, 24), "ringer, og ingen har den"),
    (_bar("taken", 2, 26, 5), "noen har tatt den"),
    (_bar("there", 2, 26, 10), "noen er framme"),
    (_bar("fault", 2, 26), "noe er galt"),
    (_bar("away", 2, 26, 11), "borte"),
    (_bar("bed", 2, 26, 11), "i senga"),
    (_mark("flag", "flag", 12), "brudd"),
)
"""The least that one must know to read the drawing."""
LEGEND = (
    (_mark("press", "true"), "det som virkelig skjedde: noen trykker på knappen"),
    (_mark("fall", "true", 14) + _mark("water", "true") + _mark("other", "true", 62),
     "noen faller; vann eller fukt; annet"),
    (_mark("press", "deaf"), "stiplet: det skjedde, men ingen mottaker hørte det"),
    (_mark("false", "lie"), "sensoren meldte noe som ingen gjorde"),
    (_bar("door", 16, 44, 10), "døra står åpen"),
    (_bar("bed", 2, 72, 11), "ligger i senga"),
    (_mark("walk", "step", 28) + _mark("walk", "step", 46),
     "bevegelse i rommet; hos nattevakta: ser til noen på runden"),
    (_bar("fault", 2, 72), "skravert: noe er galt så lenge; ved siden av står hva"),
    (_mark("strike", "faultmark"), "noe gikk galt i et øyeblikk"),
    ('<line class="fine-line" x1="2" x2="74" y1="12" y2="12"/>' + _bar("away", 26, 26, 11),
     "tynn strek: virker. Fylt kloss: borte så lenge"),
    (_bar("p1", 3, 20) + _bar("p2", 29, 20) + _bar("p3", 55, 18),
     "en alarm ringer, og ingen har den: !!! haster, !! middels, ! lav"),
    (_bar("p1", 3, 24) + _bar("taken", 28, 20, 5) + _bar("there", 49, 24, 10),
     "farge: ringer. Smal blå: noen har tatt den. Bred blå: noen er framme, til den er avsluttet"),
    (_mark("shown", "ink", 16) + _mark("sounded", "ink", 36) + '<text x="52" y="16" class="initials">KN</text>',
     "helt nær: når den ble vist på et nettbrett, når den ble hørt, og andre som gjorde noe"),
    (_mark("flag", "flag", 30) + '<line class="broke" x1="58" x2="58" y1="0" y2="24"/>',
     "rødt flagg: her ble noe brutt som alltid skal holde"),
    (_bar("calm", 2, 72, 20), "grønt til høyre: alle feil er over, nå skal det bli rolig"),
)  # fmt: skip
"""(drawing, words)."""
