import { isLoadResult } from '../analysis/summarizeLoad.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { type Block, folded, type Note, noteBlock, tableBlock } from './block.js';
import { ledgerTable, rawTable, summaryTable, tilesOf } from './cellTables.js';
import { chartsOf } from './charts.js';
import { comparisonNotes, comparisonTable } from './comparisonTable.js';
import { cellNotes, describeDocument, describeSettings } from './describe.js';
import { loadSection } from './loadSection.js';
import { ceilingDoubts, ceilingsTable, rooflineOf } from './rooflineTable.js';
import { delayTable, headroomSentence, setDelayTables, stepTable, streamNotes } from './streamTables.js';
import { cellTitles, setTitles } from './sweepAxes.js';
import { accuracySentence, accuracyTable, overheadTable, setTable, sweepTable } from './sweepTables.js';
import { scalingTable, threadAdvice, threadScaling } from './threadScaling.js';

/*
 * What a result has to say, section by section. The outlines at the end put the sections in the order that suits a
 * terminal, an issue or a page; how a block looks there is the renderer's.
 */

/** A cell with all its figures. */
function cellSection(cell: CellRecord, result: BenchResult): Block[] {
  const measured = cell.summary !== null;
  const text = cell.runs[0]?.text;
  const notes: Note[] = [
    ...(text == null ? [] : [{ label: 'text' as const, text: JSON.stringify(text) }]),
    ...accuracyNotes(cell, result),
    ...cellNotes(cell, result).map((note) => ({ label: 'note' as const, text: note })),
  ];
  return [
    {
      kind: 'heading',
      level: 3,
      text: cellTitles(result)(cell),
      detail: `${describeSettings(cell, result)}, ${cell.runs.length} run(s)`,
    },
    ...(measured ? tableBlock(summaryTable(cell)) : []),
    ...delaySection(cell),
    ...(measured
      ? folded('Phases', [...tableBlock(ledgerTable(cell)), ...rooflineSection(cell, result)])
      : []),
    ...(notes.length === 0 ? [] : [{ kind: 'notes' as const, notes }]),
  ];
}

/** Every segment, word and step of a live cell. */
function delaySection(cell: CellRecord): Block[] {
  return [
    ...tableBlock(delayTable(cell.streamSummary)),
    ...noteBlock(headroomSentence(cell), null),
    ...folded('Steps', tableBlock(stepTable(cell), { title: 'steps by the length of the segment' })),
  ];
}

/** Of a single setting; several have a table. */
function accuracyNotes({ accuracy, offlineAccuracy, agreement }: CellRecord, { kind }: BenchResult): Note[] {
  if (kind !== 'benchmark') return [];
  const scores = [
    ['', accuracy],
    ['offline: ', offlineAccuracy],
    ['live against offline: ', agreement],
  ] as const;
  return scores.flatMap(([what, score]) =>
    score == null ? [] : [{ label: 'accuracy' as const, text: what + accuracySentence(score) }],
  );
}

function rooflineSection(cell: CellRecord, result: BenchResult, title = 'of the ceilings'): Block[] {
  return tableBlock(rooflineOf(cell, result, title));
}

/** All cells in one table, and recordings together. */
function sweepSection(result: BenchResult): Block[] {
  return [
    ...tableBlock(sweepTable(result)),
    ...tableBlock(setTable(result), { title: 'all recordings together' }),
    ...setDelayTables(result, setTitles(result, result.sets ?? [])).flatMap(({ title, table }) =>
      tableBlock(table, { title: `delays of all recordings${title === '' ? '' : `, ${title}`}` }),
    ),
  ];
}

/** What to know of each cell of several. */
function sweepNotes(result: BenchResult): Block[] {
  const titleOf = cellTitles(result);
  return noteBlock(
    result.cells.flatMap((cell) => cellNotes(cell, result).map((note) => `${titleOf(cell)}: ${note}`)),
  );
}

function cellsSection(result: BenchResult): Block[] {
  if (isLoadResult(result)) return loadSection(result);
  return result.kind === 'sweep'
    ? [...sweepSection(result), ...noteBlock(threadAdvice(result), null), ...sweepNotes(result)]
    : result.cells.flatMap((cell) => cellSection(cell, result));
}

function accuracySection(result: BenchResult): Block[] {
  return result.kind === 'benchmark' && !isLoadResult(result) ? [] : tableBlock(accuracyTable(result));
}

function ceilingsSection({ ceilings }: BenchResult): Block[] {
  return ceilings.length === 0
    ? []
    : [...tableBlock(ceilingsTable(ceilings)), ...noteBlock(ceilingDoubts(ceilings))];
}

function comparisonSection({ comparisons }: BenchResult): Block[] {
  return comparisons.length === 0
    ? []
    : [
        ...tableBlock(comparisonTable(comparisons), { grouped: true }),
        ...noteBlock(comparisonNotes(comparisons)),
      ];
}

/** What holds of the whole, errors and an early end included. */
function remarksSection({ notes, errors, complete }: BenchResult): Block[] {
  const remarks: Note[] = [
    ...notes.map((text) => ({ label: 'note' as const, text })),
    ...errors.map(({ cell, message }) => ({
      label: 'error' as const,
      text: cell === null ? message : `${cell}: ${message}`,
    })),
    ...(complete ? [] : [{ label: 'note' as const, text: 'the measurement was ended early' }]),
  ];
  return remarks.length === 0 ? [] : [{ kind: 'notes', notes: remarks }];
}

function environmentSection(result: BenchResult): Block[] {
  return [{ kind: 'facts', facts: describeDocument(result) }];
}

/** The whole document as plain text. */
export function textOutline(result: BenchResult): Block[] {
  return [
    ...environmentSection(result),
    ...cellsSection(result),
    ...ceilingsSection(result),
    ...comparisonSection(result),
    ...accuracySection(result),
    ...remarksSection(result),
  ];
}

/** For an issue or a CI summary: the figures first, the surroundings folded away. */
export function markdownOutline(result: BenchResult): Block[] {
  return [
    { kind: 'heading', level: 1, text: result.tool.name, detail: result.kind },
    ...(result.kind === 'sweep' || isLoadResult(result)
      ? cellsSection(result)
      : result.cells.flatMap((cell) => foldsLast(cellSection(cell, result)))),
    ...accuracySection(result),
    ...comparisonSection(result),
    ...ceilingsSection(result),
    ...remarksSection(result),
    ...folded('Environment', environmentSection(result)),
  ];
}

/** What is folded away stands below what is not. */
function foldsLast(blocks: readonly Block[]): Block[] {
  return [...blocks].sort((a, b) => Number(a.fold !== undefined) - Number(b.fold !== undefined));
}

/**
 * What the text says after the runs: one table of all cells (a single cell has its own, the classic one), how threads
 * scale, what length costs, comparisons, error rates, the roofline and notes.
 *
 * @param withDoubts also the roofline, and what makes runs or ceilings doubtful: the details have them too
 */
export function reportOutline(result: BenchResult, withDoubts: boolean): Block[] {
  if (isLoadResult(result)) {
    return [...loadSection(result), ...tableBlock(accuracyTable(result)), ...noteBlock(result.notes)];
  }
  const single = result.kind === 'benchmark';
  const titleOf = cellTitles(result);
  const allSame = result.comparisons.every(({ sameTokens }) => sameTokens === true);
  return [
    ...(single
      ? result.cells.flatMap((cell) => noteBlock(headroomSentence(cell), null))
      : sweepSection(result)),
    ...(result.kind === 'sweep' ? [...scalingSection(result), ...tableBlock(overheadTable(result))] : []),
    ...tableBlock(comparisonTable(result.comparisons), { grouped: true }),
    ...(result.comparisons.length > 0 && allSame ? noteBlock(['the same in every round'], 'tokens') : []),
    ...noteBlock(comparisonNotes(result.comparisons)),
    ...result.cells.flatMap((cell) => {
      const notes = accuracyNotes(cell, result);
      return notes.length === 0 ? [] : [{ kind: 'notes' as const, notes }];
    }),
    ...accuracySection(result),
    ...(withDoubts
      ? result.cells.flatMap((cell) => rooflineSection(cell, result, single ? undefined : titleOf(cell)))
      : []),
    ...doubtsSection(result, withDoubts),
  ];
}

function scalingSection(result: BenchResult): Block[] {
  return threadScaling(result).flatMap(({ label, points, bestThreads }) =>
    tableBlock(scalingTable(points), {
      title: `scaling${label === '' ? '' : `, ${label}`}`,
      detail: `best -t ${bestThreads}`,
    }),
  );
}

/** So few runs that a figure is left out is only said beside the figure, which this text has none of. */
const NO_CELLS = { cells: [] };

function doubtsSection(result: BenchResult, withNotes: boolean): Block[] {
  const titleOf = cellTitles(result);
  const single = result.kind === 'benchmark';
  const notes = result.cells.flatMap((cell) =>
    (withNotes ? cellNotes(cell, NO_CELLS) : [...streamNotes(cell, single), ...cell.notes]).map((note) =>
      single ? note : `${titleOf(cell)}: ${note}`,
    ),
  );
  const doubts = withNotes ? ceilingDoubts(result.ceilings) : [];
  return noteBlock([...new Set([...notes, ...doubts, ...result.notes])]);
}

/** A page: what failed, the figures, pictures of them, and everything else to look up. */
export function pageOutline(result: BenchResult): Block[] {
  if (isLoadResult(result)) return loadPage(result);
  const [only] = result.cells;
  const single = result.cells.length === 1 && only !== undefined;
  const accuracy = result.kind === 'sweep' ? tableBlock(accuracyTable(result), { title: 'accuracy' }) : [];
  return [
    ...noteBlock(failuresOf(result), 'error'),
    ...(single ? cellHead(only, result) : []),
    ...(result.kind === 'sweep'
      ? [...noteBlock(threadAdvice(result)), ...sweepSection(result), ...accuracy]
      : []),
    ...chartsOf(result).map((chart) => ({ kind: 'chart' as const, chart })),
    ...noteBlock(comparisonNotes(result.comparisons)),
    ...tableBlock(overheadTable(result), {
      title: 'what a run costs',
      about:
        'Fitted over the mean of each length: time = fixed + a · seconds of audio + b · tokens, each with its 95 % interval.',
    }),
    ...(single ? [] : [heading('Cells'), ...result.cells.flatMap((cell) => cellFold(cell, result))]),
    ...(result.ceilings.length === 0
      ? []
      : [heading('What the machine reaches by itself'), ...ceilingsSection(result)]),
    heading('Environment'),
    ...environmentSection(result),
    ...noteBlock(result.notes),
  ];
}

/** The same of a server under load. */
function loadPage(result: BenchResult): Block[] {
  const [only] = result.cells;
  return [
    ...noteBlock(failuresOf(result), 'error'),
    ...(result.cells.length === 1 && only !== undefined
      ? [{ kind: 'tiles' as const, tiles: tilesOf(only) }]
      : []),
    ...loadSection(result),
    ...tableBlock(accuracyTable(result), { title: 'accuracy' }),
    ...chartsOf(result).map((chart) => ({ kind: 'chart' as const, chart })),
    heading('Environment'),
    ...environmentSection(result),
    ...noteBlock(result.notes),
  ];
}

/** Every run, for who wants to look into it. */
export function rawSection(result: BenchResult): Block[] {
  const table = rawTable(result);
  return folded(`All ${table.rows.length} runs`, [{ kind: 'table', table }]);
}

function heading(text: string): Block {
  return { kind: 'heading', level: 2, text };
}

function failuresOf({ errors, complete }: BenchResult): string[] {
  return [
    ...errors.map(({ cell, message }) => (cell === null ? message : `${cell}: ${message}`)),
    ...(complete ? [] : ['The measurement was ended early; what was finished is here.']),
  ];
}

function cellHead(cell: CellRecord, result: BenchResult): Block[] {
  const text = cell.runs[0]?.text;
  return [
    {
      kind: 'notes',
      notes: [{ label: null, text: `${describeSettings(cell, result)}, ${cell.runs.length} runs` }],
    },
    { kind: 'tiles', tiles: tilesOf(cell) },
    ...tableBlock(delayTable(cell.streamSummary)),
    ...noteBlock(headroomSentence(cell), null),
    ...(text == null ? [] : noteBlock([text === '' ? '(no text)' : text], 'text')),
    ...noteBlock(cellNotes(cell, result)),
  ];
}

function cellFold(cell: CellRecord, result: BenchResult): Block[] {
  return folded(`${cell.id}: ${describeSettings(cell, result)}`, [
    { kind: 'table', table: summaryTable(cell) },
    ...tableBlock(delayTable(cell.streamSummary)),
    ...tableBlock(stepTable(cell)),
    ...noteBlock(cellNotes(cell, result)),
  ]);
}
