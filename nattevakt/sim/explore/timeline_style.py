"""How the page of a night looks, light and dark, on a tablet and on paper. Serves timeline.

Owns colours, sizes and the few lines of script. Colour is scarce, as on the tablet: three alarm colours that appear
nowhere else, blue for who has it, hatching for what did not work. Whatever a colour tells, a form or a word tells too.
"""

ZOOMS = (1, 4, 16)
STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#14191f;--muted:#4c5866;--line:#d5dbe2;--hour:#e3e7ec;
--bed:#b9c8d8;--high:#e0261b;--medium:#f5b400;--low:#12a5bb;--edge:#00000066;--blue:#1a56c4;--fault:#6b7480;
--night:#1a56c40d;--calm:#0a7a3c14;--good:#0a6b35;--broke:#a8003a;--brokebg:#fbe9ef;--soft:#eef1f4;--label:176px}
@media (prefers-color-scheme:dark){:root{--page:#0b0e12;--card:#141a21;--text:#e6ebf0;--muted:#a9b8c6;--line:#2b3540;
--hour:#222b34;--bed:#3d5064;--high:#ff3b30;--medium:#ffcc33;--low:#42d3e8;--edge:#ffffff59;--blue:#8ab4ff;
--fault:#94a1af;--night:#8ab4ff0d;--calm:#4fd48714;--good:#6fdc9c;--broke:#ff7aa8;--brokebg:#33131f;--soft:#1b232c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);line-height:1.5;
font:16px/1.5 "Atkinson Hyperlegible Next",system-ui,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif}
main{max-width:1800px;margin:0 auto;padding:20px 24px 60px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px} h2{font-size:21px;margin:32px 0 8px}
p{margin:0 0 8px;max-width:80ch} a{color:var(--blue)} .quiet{color:var(--muted)}
.verdict{font-size:20px;font-weight:700;padding:12px 16px;border-radius:12px;margin:14px 0;max-width:none}
.held{background:var(--card);border:1px solid var(--line);color:var(--good)}
.broken{background:var(--brokebg);border:2px solid var(--broke);color:var(--text)}
.broken ol{margin:8px 0 0;padding-left:1.4em;font-size:17px;font-weight:400}
.broken li{margin:6px 0} .broken li>a{font-weight:700}
dl.facts{display:flex;flex-wrap:wrap;gap:4px 28px;margin:0 0 8px} .facts dt{color:var(--muted);font-size:14px}
.facts div{min-width:6em} .facts dd{margin:0;font-weight:700}
.legend{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:6px 28px;margin:8px 0 0;padding:0;
list-style:none}
.legend li{display:flex;gap:12px;align-items:center;font-size:15px;line-height:1.35}
.legend svg{flex:none} .key{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 10px} .key li{gap:8px}
.rule{display:block;color:var(--muted);font-size:15px} .fits .axis{border-radius:14px 14px 0 0}
.zoom{border:0;padding:0;margin:0 0 8px;display:flex;flex-wrap:wrap;gap:6px;align-items:center}
.zoom legend{float:left;padding:0 10px 0 0;font-weight:700}
.zoom label{display:flex;align-items:center;gap:8px;min-height:48px;padding:0 16px;border:1px solid var(--line);
border-radius:12px;background:var(--card);cursor:pointer}
.zoom label:has(:checked){border-color:var(--text);box-shadow:inset 0 0 0 1px var(--text);font-weight:700}
.zoom input{accent-color:var(--blue);width:18px;height:18px;margin:0}
.scroll{overflow:auto;max-height:94vh;border:1px solid var(--line);border-radius:14px;background:var(--card);
container-type:inline-size;scroll-padding-left:var(--label)}
.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
.chart{--zoom:1;position:relative;width:calc(var(--label) + var(--zoom)*max(var(--w)*1px,100cqw - var(--label)))}
.row{display:flex;position:relative;border-top:1px solid var(--line)}
.row>svg,.axis>svg{flex:1;min-width:0;display:block;overflow:hidden}
.who{position:sticky;left:0;z-index:2;flex:none;width:var(--label);background:var(--card);border-right:1px solid
var(--line);padding:4px 10px 4px 14px;font-weight:700;line-height:1.25}
.who small{display:block;font-weight:400;font-size:13px;color:var(--muted);max-width:100%}
.who.caps small{display:inline;margin-left:6px}
.hit{white-space:nowrap;color:var(--broke);text-decoration:none;font-size:14px}
.who .cap{position:absolute;right:8px;font-size:12px;line-height:13px;font-weight:400;color:var(--muted)}
.group{position:relative;border-top:1px solid var(--line);background:var(--soft);margin:0;font-size:15px}
.group span{position:sticky;left:0;display:inline-block;padding:3px 14px}
.axis{position:sticky;top:0;z-index:3;display:flex;background:var(--card)}
.grid{position:absolute;left:var(--label);top:0;width:calc(100% - var(--label));height:100%;pointer-events:none}
svg{font:13px "Atkinson Hyperlegible Next",system-ui,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",Arial,sans-serif;
fill:var(--text)}
.h{stroke:var(--hour)} .night{fill:var(--night)} .calm{fill:var(--calm)}
.broke{stroke:var(--broke);stroke-width:2;stroke-dasharray:7 4}
.flag{fill:var(--broke);stroke:var(--broke)} .flagged text{fill:var(--broke);font-weight:700}
.hour{fill:var(--muted);font-size:13px} .fine-line{stroke:var(--muted);stroke-opacity:.45;stroke-width:1.5}
.l{paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round} a .l{cursor:pointer}
a:hover .l{text-decoration:underline} svg a:focus-visible{outline:2px solid var(--blue)}
.bed{fill:var(--bed)} .step{fill:var(--text)}
.true{fill:var(--text);stroke:none} .deaf{fill:var(--card);stroke:var(--text);stroke-width:1.5;stroke-dasharray:2 1.5}
.hole{fill:var(--card)} .lie{stroke:var(--text);stroke-width:2.5} .stroke{fill:none;stroke-width:2}
.hollow{fill:var(--card);stroke:var(--text);stroke-width:1.5} .line{fill:none;stroke:var(--text);stroke-width:1.5}
.door{fill:var(--card);stroke:var(--text);stroke-width:1.8} .chair{fill:var(--bed);stroke:var(--muted)}
.fault{fill:url(#hatch);stroke:var(--fault);stroke-width:1.2} .faultmark{fill:var(--fault)} .m .l{fill:var(--muted)}
.away{fill:var(--text);stroke:var(--text)} .poor{fill:url(#hatch);stroke:var(--fault)}
.idle{fill:var(--card);stroke:var(--muted);stroke-dasharray:2 3}
.p1{fill:var(--high);stroke:var(--high);stroke-width:2} .p2{fill:var(--medium);stroke:var(--medium);stroke-width:2}
.p3{fill:var(--low);stroke:var(--low);stroke-width:2}
.taken{fill:var(--blue);stroke:var(--blue)} .there{fill:var(--blue);stroke:var(--blue);fill-opacity:.35}
.again{fill:none;stroke:var(--text);stroke-width:2} .initials{font-size:11px;font-weight:700;fill:var(--blue)}
.fine,.near4,.near16{display:none}
@media (min-width:1240px){body:has(#z1:checked) .fits{overflow:visible;max-height:none}
body:has(#z1:checked):has(.fits) .drag{display:none}}
table{border-collapse:collapse;width:100%;font-size:15px;background:var(--card)} .wide{overflow-x:auto}
th,td{text-align:left;vertical-align:top;padding:7px 12px 7px 0;border-top:1px solid var(--line)}
th{color:var(--muted);font-weight:400;font-size:14px;white-space:nowrap}
td.t,.tell time{font-variant-numeric:tabular-nums}
th:first-child,td:first-child{padding-left:12px} td .k{font-weight:700} td .s{color:var(--muted);display:block}
:target{background:var(--brokebg)} .flagged:target text{font-size:19px}
.tell summary{cursor:pointer;min-height:44px;padding:9px 14px;background:var(--soft);border-radius:10px;margin-top:6px}
.tell summary b{font-variant-numeric:tabular-nums} .tell ul{list-style:none;margin:4px 0 10px;padding:0}
.tell li{display:grid;grid-template-columns:7.5em 7.5em 1fr;gap:0 10px;padding:4px 14px}
.tell li.v{background:var(--brokebg);border-left:4px solid var(--broke);font-weight:700}
.tell li.al{font-weight:700} .tell .w{color:var(--muted);font-weight:400}
@media (max-width:900px){:root{--label:150px} main{padding:14px 12px 40px} .who{padding-left:8px}
.who.caps small{display:none}
.tell li{grid-template-columns:6.5em 6.5em 1fr;padding:4px 8px}}
@media print{@page{size:A4 landscape;margin:10mm}
:root{--page:#fff;--card:#fff;--label:150px} .who.caps small{display:none} main{padding:0;max-width:none}
.scroll{overflow:visible;max-height:none;border-radius:0} .chart{--w:0!important;--zoom:1!important}
.zoom,.drag{display:none}
.row,.legend li,tr{break-inside:avoid} .axis{position:static} .fine{display:none!important}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{content-visibility:visible!important;block-size:auto!important}}
"""
for _zoom in ZOOMS[1:]:
    _chosen, _near = f"body:has(#z{_zoom}:checked)", ".near4" if _zoom == 4 else ".fine,.near4,.near16"
    STYLE += f"{_chosen} .chart{{--zoom:{_zoom}}} {_chosen} :is({_near}){{display:inline}}\n"
SCRIPT = """
(() => {
  const scroll = document.querySelector(".scroll"), chart = scroll.querySelector(".chart");
  const label = () => scroll.querySelector(".who").offsetWidth;
  const middle = () => (scroll.scrollLeft + (scroll.clientWidth - label()) / 2) / (chart.offsetWidth - label());
  let share = middle();
  const keep = () => {
    scroll.scrollLeft = share * (chart.offsetWidth - label()) - (scroll.clientWidth - label()) / 2;
  };
  let busy = false;
  scroll.addEventListener("scroll", () => { if (!busy) share = middle(); });
  const turn = () => { busy = true; keep(); requestAnimationFrame(() => { busy = false; }); };
  document.querySelectorAll("[name=zoom]").forEach((one) => one.addEventListener("change", turn));
  document.querySelectorAll("[data-at]").forEach((one) => one.addEventListener("click", () => {
    document.querySelector("#z16").checked = true;
    share = Number(one.dataset.at) / 100;
    turn();
  }));
  const first = document.querySelector("[data-at]");
  if (first && scroll.scrollWidth > scroll.clientWidth + 8) {
    share = Number(first.dataset.at) / 100;
    turn();
  }
  const open = () => {
    const found = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!found) return;
    const folded = found.closest("details");
    if (folded) folded.open = true;
    found.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", open);
  open();
})();
"""
