import { significant } from '../output/figures.js';
import type { FigureTable } from '../output/summaryTable.js';
import type { BenchResult } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';

/** Every run with its main figures, warm-ups included. */
export function rawTable({ cells }: BenchResult): FigureTable {
  const rows = cells.flatMap((cell) => [
    ...cell.warmups.map((run, index) => rawRow(cell.id, `warm-up ${index + 1}`, run)),
    ...cell.runs.map((run, index) => rawRow(cell.id, String(index + 1), run)),
  ]);
  return {
    header: [
      'cell',
      'run',
      'total ms',
      'encode ms',
      'decode ms',
      'first token ms',
      'tokens',
      'token hash',
      'disturbed by',
    ],
    rows,
  };
}

function rawRow(cell: string, index: string, run: RunRecord): string[] {
  const ms = (value: number | null) => (value === null ? '–' : significant(value));
  const { totalMs, encodeMs, decodeMs, firstTokenMs, tokens, tokenHash, interference } = run;
  return [
    cell,
    index,
    ms(totalMs),
    ms(encodeMs),
    ms(decodeMs),
    ms(firstTokenMs),
    tokens === null ? '–' : String(tokens),
    tokenHash === null ? '–' : tokenHash.slice(0, 8),
    interference === null ? '' : interference.reasons.join(', '),
  ];
}
