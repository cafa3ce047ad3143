import { MAIN_PHASES, PHASES, type PhaseName, phaseMs } from '../../src/bench/phases.js';
import type { RunRecord } from '../../src/bench/schema/runRecord.js';

const CHART_WIDTH = 600;
const CHART_HEIGHT = 170;
/** Room for the scale on the left and the numbers of the runs below. */
const LEFT = 100;
const BOTTOM = 30;
const TOP = 14;

/** The total of every run, in their order: encode and decode, one upon the other. */
export function runChart(runs: readonly RunRecord[]): HTMLElement {
  const top = niceCeiling(Math.max(...runs.map((run) => run.totalMs)));
  const plotHeight = CHART_HEIGHT - BOTTOM - TOP;
  const y = (ms: number) => TOP + plotHeight * (1 - ms / top);
  const slot = (CHART_WIDTH - LEFT) / runs.length;
  const width = Math.min(0.7 * slot, 48);
  const bars = runs.flatMap((run, i) => {
    const x = LEFT + (i + 0.5) * slot - width / 2;
    const bar = (from: number, to: number, name: string) =>
      svgElement('rect', { class: name, x, y: y(to), width, height: y(from) - y(to) });
    const { totalMs } = run;
    const encodeMs = run.encodeMs ?? 0;
    const number = svgElement(
      'text',
      { x: x + width / 2, y: CHART_HEIGHT - 6, 'text-anchor': 'middle' },
      String(i + 1),
    );
    const parts = [bar(0, encodeMs, 'run-encode'), bar(encodeMs, totalMs, 'run-decode')];
    return i % Math.ceil(runs.length / 15) === 0 ? [...parts, number] : parts;
  });
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  const keys = [key('run-encode', 'encode'), key('run-decode', 'decode (with prefill)')];
  caption.append('Total of every run: ', ...keys);
  const drawing = svgElement(
    'svg',
    {
      class: 'run-chart',
      viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`,
      role: 'img',
      'aria-label': describe(runs),
    },
    ...scale(top, y),
    ...bars,
  );
  figure.append(caption, drawing);
  return figure;
}

function scale(top: number, y: (ms: number) => number): SVGElement[] {
  return [0, top / 2, top].flatMap((ms) => [
    svgElement('line', { class: 'grid', x1: LEFT, x2: CHART_WIDTH, y1: y(ms), y2: y(ms) }),
    svgElement('text', { x: LEFT - 6, y: y(ms) + 5, 'text-anchor': 'end' }, `${ms} ms`),
  ]);
}

/** 1, 2 or 5 times a power of ten, not below the value. */
function niceCeiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10);
}

function describe(runs: readonly RunRecord[]): string {
  return `Total of every run in milliseconds: ${runs.map(({ totalMs }) => totalMs.toFixed(0)).join(', ')}`;
}

function key(name: string, title: string): HTMLElement {
  const element = document.createElement('span');
  element.className = 'key';
  const swatch = document.createElement('span');
  swatch.className = `swatch ${name}`;
  element.append(swatch, title);
  return element;
}

const BAR_WIDTH = 600;
const BAR_HEIGHT = 28;

/** Where the time of a run goes on average: one bar of parts, and a list of them. */
export function phaseChart(runs: readonly RunRecord[]): HTMLElement {
  const parts = PAGE_PHASES.map((phase) => ({
    ...phase,
    ms: runs.reduce((sum, run) => sum + pagePhaseMs(run, phase), 0) / runs.length,
  }));
  const totalMs = parts.reduce((sum, { ms }) => sum + ms, 0);
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = 'Phases of a run, mean';
  figure.append(caption, drawBar(parts, totalMs), listParts(parts, totalMs));
  return figure;
}

interface Part {
  readonly name: string;
  readonly title: string;
  readonly ms: number;
}

function drawBar(parts: readonly Part[], totalMs: number): SVGElement {
  let x = 0;
  const bars = parts.map(({ name, ms }) => {
    const width = (BAR_WIDTH * ms) / totalMs;
    const bar = svgElement('rect', { class: `phase-${name}`, x, y: 0, width, height: BAR_HEIGHT });
    x += width;
    return bar;
  });
  // The list below says the same in words.
  const attributes = {
    viewBox: `0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  };
  return svgElement('svg', { class: 'phase-bar', ...attributes }, ...bars);
}

function listParts(parts: readonly Part[], totalMs: number): HTMLElement {
  const list = document.createElement('ul');
  list.className = 'phase-list';
  for (const { name, title, ms } of parts) {
    const item = document.createElement('li');
    const swatch = document.createElement('span');
    swatch.className = `swatch phase-${name}`;
    item.append(
      swatch,
      `${title} `,
      strong(`${ms.toFixed(1)} ms`),
      ` ${((100 * ms) / totalMs).toFixed(0)} %`,
    );
    list.append(item);
  }
  return list;
}

function strong(text: string): HTMLElement {
  const element = document.createElement('strong');
  element.textContent = text;
  return element;
}

/** A part of a run that the page shows. */
export interface PagePhase {
  /** Its class in the style sheet is `phase-{name}`. */
  readonly name: PhaseName;
  readonly title: string;
  readonly ids: readonly PhaseName[];
}

/** What is no part of encoder or decoder is shown as one. */
const OTHERS = PHASES.filter(({ part }) => part === null).map(({ id }) => id);

/** The parts of a run that the page shows, in their order. */
export const PAGE_PHASES: readonly PagePhase[] = [
  ...MAIN_PHASES.map(({ id, title }) => ({ name: id, title, ids: [id] })),
  { name: 'other', title: 'other', ids: OTHERS },
];

/** Milliseconds of one of them; of a run they sum to its total. */
export function pagePhaseMs({ phases }: RunRecord, { ids }: PagePhase): number {
  return ids.reduce((sum, id) => sum + (phaseMs(phases, id) ?? 0), 0);
}

const NAMESPACE = 'http://www.w3.org/2000/svg';

/** An element of a drawing. */
export function svgElement(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElement {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}
