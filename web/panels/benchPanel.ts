import type { BenchDocument } from '../bench/benchDocument.js';
import { type BenchRun, benchRun } from '../bench/benchRun.js';
import { browserEnvironment } from '../bench/environment.js';
import { seedTable } from '../bench/seedTable.js';
import { phaseChart } from '../charts/phaseChart.js';
import { runChart } from '../charts/runChart.js';
import type { Engine } from '../engine/engine.js';
import { elementById } from './elementById.js';
import type { PageState } from './pageState.js';

/** Measures transcriptions of the chosen audio. */
export function openBenchPanel(engine: Engine, state: PageState): void {
  const status = elementById('bench-status', HTMLElement);
  const start = elementById('bench', HTMLButtonElement);
  const stop = elementById('stop-bench', HTMLButtonElement);
  const runsInput = elementById('runs', HTMLInputElement);
  let abort: AbortController | null = null;
  let result: BenchDocument | null = null;

  start.addEventListener('click', async () => {
    const { recording, model } = state;
    if (recording === null || model === null || !runsInput.reportValidity()) return;
    abort = new AbortController();
    const { signal } = abort;
    state.change({ busy: true });
    const runs: BenchRun[] = [];
    const plannedRuns = runsInput.valueAsNumber;
    const { name, durationMs } = recording;
    result = {
      schema: 'qwen-asr-browser-benchmark',
      version: 1,
      createdAt: new Date().toISOString(),
      environment: browserEnvironment(),
      model,
      audio: { name, durationMs },
      plannedRuns,
      runs,
    };
    const run = () => engine.transcribe(recording.samples, { language: '', signal });
    try {
      status.textContent = 'Warm-up …';
      await run();
      while (runs.length < plannedRuns) {
        status.textContent = `Run ${runs.length + 1} of ${plannedRuns} …`;
        runs.push(benchRun(await run()));
        showResult(result);
      }
      status.textContent = `${plannedRuns} runs on ${name} are done.`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      status.textContent = signal.aborted ? `Stopped after ${runs.length} runs.` : reason;
    } finally {
      abort = null;
      state.change({ busy: false });
    }
  });
  stop.addEventListener('click', () => abort?.abort());
  elementById('download', HTMLButtonElement).addEventListener('click', () => {
    if (result !== null) download(result);
  });
  state.onChange(() => {
    start.disabled = !state.ready;
    stop.disabled = abort === null;
  });
}

function showResult({ runs, audio }: BenchDocument): void {
  elementById('results', HTMLElement).hidden = false;
  const rows = seedTable(runs, audio.durationMs).map(({ title, figures, unit, digits }) => {
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

function download(result: BenchDocument): void {
  const link = document.createElement('a');
  const blob = new Blob([`${JSON.stringify(result, null, 2)}\n`], { type: 'application/json' });
  link.href = URL.createObjectURL(blob);
  link.download = `qwen-asr-${result.createdAt.replaceAll(/[:.]/g, '-')}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}
