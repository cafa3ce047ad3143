import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import { PAGE_PHASES, pagePhaseMs } from '../bench/pagePhases.js';
import { svgElement } from './svgElement.js';

const WIDTH = 600;
const HEIGHT = 28;

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
    const width = (WIDTH * ms) / totalMs;
    const bar = svgElement('rect', { class: `phase-${name}`, x, y: 0, width, height: HEIGHT });
    x += width;
    return bar;
  });
  // The list below says the same in words.
  const attributes = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
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
