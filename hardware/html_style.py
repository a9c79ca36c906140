"""Style of the report's page: inline, for light and dark, for desks and phones."""

STYLE = """
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16202c; --soft: #5b6878; --line: #e1e6ec; --accent: #2f6fde;
  --accent-soft: #dbe7fb; --band: #9dbdf2; --warn: #a5531a; --warn-soft: #fdf1e4; --bad: #b3261e;
  --bad-soft: #fbe9e7; }
@media (prefers-color-scheme: dark) { :root {
  --page: #10151b; --card: #19212a; --ink: #e7edf4; --soft: #9aa8b8; --line: #2b3642; --accent: #7fadff;
  --accent-soft: #22344f; --band: #40639b; --warn: #f0b27a; --warn-soft: #33271a; --bad: #ff9d94;
  --bad-soft: #3a201e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.2rem 1.1rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 1.28rem; margin: 2.6rem 0 .8rem; letter-spacing: -0.01em; }
h3 { font-size: 1.02rem; margin: 1.4rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 88ch; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.soft { color: var(--soft); } .small { font-size: .86rem; }
.path { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin: 1rem 0 0; }
.path span { background: var(--card); border: 1px solid var(--line); border-radius: 99px; padding: .15rem .75rem;
  font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: .8rem; margin: 1.6rem 0 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; }
.tile { padding: .95rem 1.05rem; }
.tile .name { color: var(--soft); font-size: .84rem; }
.tile .value { font-size: 1.62rem; font-weight: 650; letter-spacing: -0.02em; line-height: 1.3; white-space: nowrap; }
.tile .value.words { font-size: 1.15rem; line-height: 1.83; }
.tile .under { color: var(--soft); font-size: .78rem; line-height: 1.35; }
.tile.main { background: var(--accent-soft); border-color: transparent; }
.card { padding: 1.1rem 1.2rem; margin: 0 0 1rem; }
.bar { display: grid; grid-template-columns: 215px 1fr 82px; gap: .1rem .9rem; align-items: center;
  padding: .28rem 0; }
.bar.first { border-top: 1px solid var(--line); margin-top: .35rem; padding-top: .6rem; }
  .bar.first:first-child { border: 0; }
.bar .label { line-height: 1.25; } .bar .value { text-align: right; font-variant-numeric: tabular-nums;
  font-weight: 600; }
.track { position: relative; height: 14px; border-radius: 7px; background: var(--page); overflow: hidden; }
.track i { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 7px; background: var(--accent); }
.track i.other { opacity: .5; }
.track b { position: absolute; top: 5px; height: 4px; min-width: 2px; border-radius: 2px; background: var(--ink);
  opacity: .55; }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; margin: .3rem -.2rem; padding: 0 .2rem; }
table { border-collapse: collapse; width: 100%; margin: 0 0 .9rem; font-size: .88rem;
  font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; color: var(--soft); font-size: .78rem; padding: .35rem .6rem;
  white-space: nowrap; }
td { text-align: right; padding: .38rem .6rem; border-top: 1px solid var(--line); vertical-align: top; }
th.l, td.l { text-align: left; } td.n { white-space: nowrap; } td.w { min-width: 200px; font-size: .8rem;
  overflow-wrap: anywhere; }
tr.sum td { font-weight: 650; }
.mark { display: inline-block; border-radius: 6px; padding: 0 .4rem; font-size: .75rem;
  background: var(--accent-soft);
  color: var(--ink); white-space: nowrap; }
.mark.weak { background: var(--warn-soft); color: var(--warn); }
.mark.bad { background: var(--bad-soft); color: var(--bad); }
dl { display: grid; grid-template-columns: minmax(150px, auto) 1fr; gap: .15rem 1.2rem; font-size: .9rem;
  margin: .6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: .4rem 0 .8rem; padding-left: 1.15rem; font-size: .92rem; }
li { margin: .22rem 0; overflow-wrap: anywhere; }
.left { border-left: 3px solid var(--warn); background: var(--warn-soft); border-radius: 8px; padding: .5rem .9rem;
  margin: .8rem 0; }
.left ul { margin: .2rem 0; } .left strong { font-size: .88rem; }
details { margin: .8rem 0 0; border-top: 1px solid var(--line); padding-top: .7rem; }
summary { cursor: pointer; font-weight: 600; } summary .soft { font-weight: 400; }
figure { margin: 0; } figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; background: #fff;
  border-radius: 8px; }
figcaption { color: var(--soft); font-size: .86rem; margin-top: .5rem; text-align: center; }
.pictures { columns: 2 400px; column-gap: 1rem; }
.pictures .card { break-inside: avoid; }
footer { margin-top: 3rem; color: var(--soft); font-size: .82rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
@media (max-width: 640px) { main { padding-top: 1.3rem; } h1 { font-size: 1.55rem; } .card { padding: .9rem .85rem; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: .6rem; } .tile { padding: .75rem .8rem; }
  .tile .value { font-size: 1.25rem; }
  .bar { grid-template-columns: 1fr auto; } .bar .track { grid-column: 1 / -1; order: 1; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .35rem; } }
@media print { body { background: #fff; } details { break-inside: avoid; } .card, .tile { break-inside: avoid; } }
"""
