import type { BarPart, BarPicture } from '../../src/bench/chart/picture.js';
import { svgPicture } from '../../src/bench/chart/svgPicture.js';
import { MAIN_PHASES, PHASES, type PhaseName, phaseMs } from '../../src/bench/phases.js';
import { join } from '../../src/bench/render/markup.js';
import type { RunRecord } from '../../src/bench/schema/runRecord.js';

/** Pixels of a drawing: as wide as the page allows. */
const [NARROWEST, WIDEST] = [320, 640];
/** Around the drawing, on either side of the page. */
const MARGIN = 32;

/** The total of every run, in their order: encode and decode, one upon the other. */
export function runChart(runs: readonly RunRecord[]): HTMLElement {
  const bars = runs.map(({ totalMs, encodeMs }, index) => {
    const encode = encodeMs ?? 0;
    // In the colours of their largest phases.
    const parts: BarPart[] = [
      { name: 'encoderLayers', title: 'encode', ms: encode, tone: 'encode' },
      { name: 'decode', title: 'decode (with prefill)', ms: totalMs - encode, tone: 'decode' },
    ];
    return { id: String(index + 1), title: `run ${index + 1}`, totalMs, parts };
  });
  const totals = runs.map(({ totalMs }) => totalMs.toFixed(0)).join(', ');
  const label = `Total of every run in milliseconds: ${totals}`;
  return figure('Total of every run', { kind: 'bars', upright: true, bars }, label);
}

/** Where the time of a run goes on average: one bar of parts, and a list of them. */
export function phaseChart(runs: readonly RunRecord[]): HTMLElement {
  const parts = PAGE_PHASES.map(({ name, title, tone, ids }): BarPart => {
    const ms = runs.reduce((sum, run) => sum + pagePhaseMs(run, ids), 0) / runs.length;
    return { name, title, ms, tone };
  });
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0);
  const shares = parts.map(({ title, ms }) => ({
    title,
    figures: [`${ms.toFixed(1)} ms`, `${((100 * ms) / totalMs).toFixed(0)} %`] as const,
  }));
  const label = shares.map(({ title, figures }) => `${title} ${figures.join(', ')}`).join('; ');
  const bars = [{ id: 'mean', title: 'mean', totalMs, parts }];
  const drawn = figure('Phases of a run, mean', { kind: 'bars', upright: false, bars }, label);
  const list = document.createElement('ul');
  list.className = 'phase-list';
  for (const { title, figures } of shares) {
    const [time, share] = figures;
    const item = document.createElement('li');
    const strong = document.createElement('strong');
    strong.textContent = time;
    item.append(`${title} `, strong, ` ${share}`);
    list.append(item);
  }
  drawn.append(list);
  return drawn;
}

/** A picture of the benchmark's chart kit under its title. */
function figure(title: string, picture: BarPicture, label: string): HTMLElement {
  const room = document.documentElement.clientWidth - 2 * MARGIN;
  const width = Math.min(Math.max(room, NARROWEST), WIDEST);
  const { height, content } = svgPicture(picture, width);
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  drawing.setAttribute('viewBox', `0 0 ${width} ${Math.ceil(height)}`);
  drawing.setAttribute('role', 'img');
  drawing.setAttribute('aria-label', label);
  // The kit escapes every text in it.
  drawing.innerHTML = join(content).source;
  const element = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = title;
  element.append(caption, drawing);
  return element;
}

/** A part of a run that the page shows. */
interface PagePhase {
  /** Its class in the style sheet is `phase-{name}`. */
  readonly name: PhaseName;
  readonly title: string;
  readonly tone: BarPart['tone'];
  readonly ids: readonly PhaseName[];
}

/** What is no part of encoder or decoder is shown as one. */
const OTHERS = PHASES.filter(({ part }) => part === null).map(({ id }) => id);

/** The parts of a run that the page shows, in their order. */
const PAGE_PHASES: readonly PagePhase[] = [
  ...MAIN_PHASES.map(({ id, title, part }) => ({ name: id, title, tone: part, ids: [id] })),
  { name: 'other', title: 'other', tone: null, ids: OTHERS },
];

/** Milliseconds of some phases; those of all page phases sum to the run's total. */
function pagePhaseMs({ phases }: RunRecord, ids: readonly PhaseName[]): number {
  return ids.reduce((sum, id) => sum + (phaseMs(phases, id) ?? 0), 0);
}
