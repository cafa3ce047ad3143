import type { PhaseTimes, RunRecord } from '../../src/bench/schema/runRecord.js';

/** The parts of a run that the page shows, in their order. */
export const PAGE_PHASES = [
  { name: 'mel', title: 'log-mel', fields: ['melMs'] },
  { name: 'convStem', title: 'conv stem', fields: ['convStemMs'] },
  { name: 'encoderLayers', title: 'encoder layers', fields: ['encoderLayersMs'] },
  { name: 'prefill', title: 'prefill', fields: ['prefillMs'] },
  { name: 'decode', title: 'decode', fields: ['decodeMs'] },
  { name: 'other', title: 'other', fields: ['segmentMs', 'detokenizeMs', 'otherMs'] },
] as const satisfies readonly { name: string; title: string; fields: readonly (keyof PhaseTimes)[] }[];

/** Milliseconds of one of them; of a run they sum to its total. */
export function phaseMs({ phases }: RunRecord, fields: readonly (keyof PhaseTimes)[]): number {
  return fields.reduce((sum, field) => sum + (phases[field] ?? 0), 0);
}
