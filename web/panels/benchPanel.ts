import type { RunRecord } from '../../src/bench/schema/runRecord.js';
import { type MinMeanMax, minMeanMax } from '../../src/bench/text/classicText.js';
import { browserEnvironment } from '../bench/environment.js';
import { type PageBenchmark, pageResult } from '../bench/pageResult.js';
import { phaseChart, runChart } from '../charts/runCharts.js';
import type { Engine } from '../engine/engine.js';
import { elementById, keepFocus, type PageState, saveFile, showError, showStatus } from './page.js';

/** Measures transcriptions of the chosen audio. */
export function openBenchPanel(engine: Engine, state: PageState): void {
  const status = elementById('bench-status', HTMLElement);
  const row = elementById('bench-progress-row', HTMLElement);
  const progress = elementById('bench-progress', HTMLProgressElement);
  const reached = elementById('bench-reached', HTMLElement);
  const start = elementById('bench', HTMLButtonElement);
  const stop = elementById('stop-bench', HTMLButtonElement);
  const runsInput = elementById('runs', HTMLInputElement);
  let abort: AbortController | null = null;
  let benchmark: PageBenchmark | null = null;

  start.addEventListener('click', async () => {
    const { recording, model } = state;
    if (recording === null || model === null || !runsInput.reportValidity()) return;
    abort = new AbortController();
    const { signal } = abort;
    keepFocus(start, stop, () => state.change({ busy: true }));
    const [warmups, runs]: [RunRecord[], RunRecord[]] = [[], []];
    const plannedRuns = runsInput.valueAsNumber;
    const language = elementById('language', HTMLSelectElement).value;
    const createdAt = new Date().toISOString();
    const environment = browserEnvironment();
    const measured = { createdAt, environment, model, recording, language, plannedRuns, warmups, runs };
    const run = () => engine.measure({ samples: recording.samples, language }, signal);
    progress.value = 0;
    reached.textContent = 'warm-up';
    row.hidden = false;
    try {
      // Once: a screen reader that read every run out would hardly end.
      showStatus(status, 'Running …');
      warmups.push(await run());
      while (runs.length < plannedRuns) {
        reached.textContent = `run ${runs.length + 1} of ${plannedRuns}`;
        runs.push(await run());
        progress.value = (100 * runs.length) / plannedRuns;
        benchmark = measured;
        showResult(measured);
      }
      showStatus(status, `${plannedRuns} runs on ${recording.name} are done.`);
    } catch (error) {
      if (signal.aborted) showStatus(status, `Stopped after ${runs.length} runs.`);
      else showError(status, error);
    } finally {
      abort = null;
      row.hidden = true;
      keepFocus(stop, start, () => state.change({ busy: false }));
    }
  });
  stop.addEventListener('click', () => abort?.abort());
  elementById('download', HTMLButtonElement).addEventListener('click', () => {
    if (benchmark !== null) void download(benchmark);
  });
  state.onChange(() => {
    start.disabled = !state.ready;
    stop.disabled = abort === null;
  });
}

function showResult({ runs, recording }: PageBenchmark): void {
  elementById('results', HTMLElement).hidden = false;
  const rows = classicTable(runs, recording.durationMs).map(({ title, figures, unit, digits }) => {
    const row = document.createElement('tr');
    const head = document.createElement('th');
    head.scope = 'row';
    head.textContent = title;
    row.append(head);
    const { min, mean, max } = figures;
    for (const value of [min, mean, max]) row.insertCell().textContent = value.toFixed(digits);
    row.insertCell().textContent = unit;
    return row;
  });
  elementById('table', HTMLTableSectionElement).replaceChildren(...rows);
  elementById('charts', HTMLElement).replaceChildren(phaseChart(runs), runChart(runs));
}

/** As qwen_asr_bench writes it. */
async function download(benchmark: PageBenchmark): Promise<void> {
  const result = await pageResult(benchmark);
  const name = `qwen-asr-${result.createdAt.replaceAll(/[:.]/g, '-')}.json`;
  saveFile(name, `${JSON.stringify(result, null, 2)}\n`, 'application/json');
}

/** A row of the command line's table. */
export interface TableRow {
  readonly title: string;
  readonly figures: MinMeanMax;
  readonly unit: string;
  readonly digits: number;
}

/**
 * The rows that qwen_asr_bench prints, over runs on audio of one length.
 *
 * @param runs at least one
 */
export function classicTable(runs: readonly RunRecord[], durationMs: number): TableRow[] {
  const row = (title: string, of: (run: RunRecord) => number, unit = 'ms', digits = 1): TableRow => ({
    title,
    figures: minMeanMax(runs.map(of)),
    unit,
    digits,
  });
  return [
    row('total', (run) => run.totalMs),
    row('encode', (run) => run.encodeMs ?? 0),
    row('decode', (run) => run.decodeMs ?? 0),
    row('rt_factor', (run) => run.totalMs / durationMs, 'x RT', 2),
  ];
}
