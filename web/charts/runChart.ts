import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import { svgElement } from './svgElement.js';

const WIDTH = 600;
const HEIGHT = 170;
/** Room for the scale on the left and the numbers of the runs below. */
const LEFT = 100;
const BOTTOM = 30;
const TOP = 14;

/** The total of every run, in their order: encode and decode, one upon the other. */
export function runChart(runs: readonly RunRecord[]): HTMLElement {
  const top = niceCeiling(Math.max(...runs.map((run) => run.totalMs)));
  const plotHeight = HEIGHT - BOTTOM - TOP;
  const y = (ms: number) => TOP + plotHeight * (1 - ms / top);
  const slot = (WIDTH - LEFT) / runs.length;
  const width = Math.min(0.7 * slot, 48);
  const bars = runs.flatMap((run, i) => {
    const x = LEFT + (i + 0.5) * slot - width / 2;
    const bar = (from: number, to: number, name: string) =>
      svgElement('rect', { class: name, x, y: y(to), width, height: y(from) - y(to) });
    const { totalMs } = run;
    const encodeMs = run.encodeMs ?? 0;
    const number = svgElement(
      'text',
      { x: x + width / 2, y: HEIGHT - 6, 'text-anchor': 'middle' },
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
    { class: 'run-chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': describe(runs) },
    ...scale(top, y),
    ...bars,
  );
  figure.append(caption, drawing);
  return figure;
}

function scale(top: number, y: (ms: number) => number): SVGElement[] {
  return [0, top / 2, top].flatMap((ms) => [
    svgElement('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(ms), y2: y(ms) }),
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
