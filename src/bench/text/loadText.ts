import { printableLine } from '../../printable.js';
import { formatSeconds, significant } from '../document/figures.js';
import { levelTitle } from '../document/loadSection.js';
import type { LoadRecording } from '../load/loadRecordings.js';
import type { LoadWatcher } from '../load/runLoad.js';
import type { EndpointPlan } from '../plan/endpointPlan.js';
import type { CellRecord } from '../schema/benchResult.js';

/** The text of a load test as it goes on: what is measured, then a line for every level that has ended. */
export class LoadText implements LoadWatcher {
  readonly #out: (text: string) => void;

  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  readonly onReady = (plan: EndpointPlan, recordings: readonly LoadRecording[]): void => {
    const audioMs = recordings.reduce((sum, { durationMs }) => sum + durationMs, 0);
    const [first] = recordings;
    const what = recordings.length > 1 ? `${recordings.length} recordings` : (first?.path ?? 'silence');
    const columns = [
      `Endpoint: ${plan.endpoint}`,
      `model ${plan.model}`,
      `${what} (${formatSeconds(audioMs)})`,
      `${plan.durationMs / 1000} s a level, ${plan.rampMs / 1000} s before it`,
    ];
    this.#out(`${printableLine(columns.join('  |  '))}\n\n`);
  };

  readonly onLevelEnd = (cell: CellRecord): void => {
    const { load, summary } = cell;
    if (load == null) return;
    const median = summary?.['total']?.median;
    const parts = [
      `${load.answered} ${cell.settings.protocol === 'realtime' ? 'spoken' : 'answered'}`,
      `${load.requests - load.answered} failed`,
      ...(load.audioRate === null ? [] : [`${significant(load.audioRate)} audio s/s`]),
      ...(median === undefined ? [] : [`median ${significant(median)} ms`]),
    ];
    this.#out(`  ${levelTitle(cell)}:  ${parts.join('  ')}\n`);
  };
}
