import { PHASES, type Phase } from '../phases.js';

/*
 * The report's style sheet. Every colour is a variable, once for light and once for dark; texts have a contrast of at
 * least 4.5 to their background, shapes that carry meaning of at least 3.
 */

const LIGHT = `
  color-scheme: light;
  --page: #ffffff; --surface: #f5f7fa; --text: #1b2027; --muted: #565f6b; --line: #dde2e9; --strong: #3d4550;
  --accent: #0b5cad; --area: #e9edf2; --box: #cfe0f3; --good: #0a7040; --bad: #b3261e; --open: #6a5200;
  --series0: #0b5cad; --series1: #c2410c; --series2: #047857; --series3: #8b2fc9;
  --series4: #8a5a00; --series5: #0e7490; --series6: #be123c; --series7: #4d6b0f;`;

const DARK = `
  color-scheme: dark;
  --page: #0f1318; --surface: #181e26; --text: #e5eaf1; --muted: #9ba7b5; --line: #2c3541; --strong: #c2ccd8;
  --accent: #6cb6ff; --area: #1d2530; --box: #23405f; --good: #4cc38a; --bad: #ff8a80; --open: #e3b341;
  --series0: #6cb6ff; --series1: #f69d50; --series2: #57d9a3; --series3: #cfa4ff;
  --series4: #e3c15a; --series5: #56d4dd; --series6: #ff8fab; --series7: #a5d65c;`;

const PAGE = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:920px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 4px}
h2{font-size:1.25rem;margin:56px 0 12px;padding-top:20px;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:28px 0 4px}
figcaption h3{margin:0}
p{margin:.3em 0}
.lead,figcaption p,.unit{color:var(--muted)}
a{color:var(--accent)}
code,.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);gap:12px;margin:20px 0;padding:0}
.tiles.by-3{grid-template-columns:repeat(3,1fr)}.tiles.by-5{grid-template-columns:repeat(5,1fr)}
.tile{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile dt{color:var(--muted);font-size:.85rem}
.tile dd{margin:0}
.tile .value{font-size:1.4rem;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.3}
.tile .unit{font-size:.8rem;white-space:nowrap}
.tile .range{display:block;color:var(--muted);font-size:.8rem;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}
figure{margin:32px 0}
figcaption{margin-bottom:12px}
figcaption p{font-size:.9rem;max-width:46em}
svg{display:block;width:100%;height:auto;overflow:visible}
svg.narrow{display:none}
details{margin:8px 0}
summary{cursor:pointer;color:var(--accent);font-size:.9rem;width:max-content;max-width:100%}
.scroll{overflow-x:auto;max-height:70vh;overflow-y:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{color:var(--muted);font-weight:600;position:sticky;top:0;background:var(--page);white-space:normal;vertical-align:bottom}
th.words,td.words{text-align:left}
tbody th{font-weight:400}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:12px 0;align-items:baseline}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere}
.notes{padding-left:1.2em;margin:12px 0}
.notes li{margin:2px 0}
.notes .bad{font-weight:600}
blockquote{margin:12px 0;padding:8px 14px;border-left:3px solid var(--accent);background:var(--surface);overflow-wrap:anywhere}
button{font:inherit;color:var(--page);background:var(--accent);border:0;border-radius:8px;padding:8px 16px;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}`;

const CHARTS = `
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif;fill:var(--text)}
svg .tick{fill:var(--muted);font-size:11.5px}
svg .strong{font-weight:600;fill:var(--strong)}
svg .halo{paint-order:stroke;stroke:var(--page);stroke-width:4px}
.grid{stroke:var(--line)}
.axis{stroke:var(--strong);stroke-width:1.5}
.area{fill:var(--area)}
.blank{fill:var(--page)}
.box{fill:var(--box)}
.interval{fill:var(--strong)}
.median{stroke:var(--text);stroke-width:2}
.dot{fill:var(--accent);fill-opacity:.75;stroke:var(--page);stroke-width:.75}
.dot.noisy{fill:var(--page);fill-opacity:1;stroke:var(--bad);stroke-width:2}
.warmup{fill:var(--muted)}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.level{stroke-width:1;stroke-dasharray:2 4}
.whisker{fill:none;stroke-width:1.5}
.guide{fill:none;stroke:var(--muted);stroke-width:1.5;stroke-dasharray:6 5}
.roof{fill:none;stroke:var(--strong);stroke-width:1.75;stroke-linejoin:round}
.gap{stroke:var(--muted);stroke-dasharray:2 3}
.point{stroke:var(--page);stroke-width:1.5}
.ci{stroke-width:3;stroke-linecap:round}
.verdict-faster{fill:var(--good);stroke:var(--good)}
.verdict-slower{fill:var(--bad);stroke:var(--bad)}
.verdict-same{fill:var(--muted);stroke:var(--muted)}
.verdict-undecided{fill:var(--open);stroke:var(--open)}
svg .on-phase{fill:#fff;font-weight:600;pointer-events:none}`;

const NARROW = `
svg.wide{display:none}
svg.narrow{display:block;max-width:480px;margin:0 auto}
main{padding:16px 16px 48px}
.tiles,.tiles.by-3,.tiles.by-5{grid-template-columns:1fr 1fr;gap:8px}
.facts{display:block}
.facts dd{margin:0 0 8px}`;

const PRINT = `
:root{${LIGHT}}
body{font-size:11pt}
main{max-width:none;padding:0}
figure,.tile{break-inside:avoid}
h2,h3{break-after:avoid}
details,.screen{display:none}
svg.wide{display:block}svg.narrow{display:none}
.scroll{max-height:none;overflow:visible}`;

/** A figure stands on its phase in white where that is the darker half: at this luminance both inks are as plain. */
const DARK_GROUND = 0.22;

function phaseColors(theme: keyof Phase['color']): string {
  return PHASES.map(({ metric, color }) => ` --${metric}: ${color[theme]};`).join('');
}

/** The ink of the figures that stand on the phases. */
function phaseFigures(theme: keyof Phase['color'], darkInk: string): string {
  return PHASES.map(({ metric, color }) => {
    const ink = luminance(color[theme]) > DARK_GROUND ? darkInk : '#fff';
    return `svg .on-${metric}{fill:${ink}}`;
  }).join('');
}

/** Relative luminance of a colour `#rrggbb`, 0 … 1 (WCAG 2). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The whole style sheet. */
export function reportStyle(): string {
  const series = Array.from(
    { length: 8 },
    (_, index) => `.series${index}{fill:var(--series${index})}.stroke${index}{stroke:var(--series${index})}`,
  );
  const phases = PHASES.map(({ metric }) => `.phase-${metric}{fill:var(--${metric})}`);
  return [
    `:root{${LIGHT}${phaseColors('light')}}`,
    `@media (prefers-color-scheme:dark){:root{${DARK}${phaseColors('dark')}}}`,
    PAGE,
    CHARTS,
    ...series,
    ...phases,
    phaseFigures('light', '#101418'),
    `@media screen and (prefers-color-scheme:dark){${phaseFigures('dark', '#0b0f14')}}`,
    `@media screen and (max-width:700px){${NARROW}}`,
    `@media print{${PRINT}}`,
  ].join('\n');
}
