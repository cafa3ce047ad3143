import { QwenAsrError } from '../../error.js';
import { describeMachine, describeModel } from '../document/describe.js';
import { formatSeconds } from '../document/figures.js';
import type { AudioRecord, BenchResult, CellRecord, ModelRecord } from '../schema/benchResult.js';
import { STORED_SETTINGS, settingOf } from '../settings/storedSettings.js';

/** What two results may differ in when the user says so. */
export const ASPECTS = ['machines', 'models', 'audio', 'settings'] as const;
export type Aspect = (typeof ASPECTS)[number];

/** A result and how it is called. */
export interface NamedResult {
  readonly name: string;
  readonly result: BenchResult;
}

export interface CellPair {
  readonly a: CellRecord;
  readonly b: CellRecord;
}

interface CellPairs {
  readonly pairs: readonly CellPair[];
  /** Cells that the other result has no partner for, and what else differs without standing in the way. */
  readonly notes: readonly string[];
}

/**
 * Finds which cells of two results are comparable: measured on the same kind of machine, with the same model, audio
 * and settings, except for the aspects to compare across.
 *
 * @throws QwenAsrError `compare` naming what differs, or when no cell has a partner
 */
function pairCells(a: NamedResult, b: NamedResult, across: ReadonlySet<Aspect>): CellPairs {
  checkMachines(a, b, across);
  for (const { name, result } of [a, b]) {
    if (result.cells.some((cell) => cell.runs.length > 0)) continue;
    throw new QwenAsrError('compare', `${name}: expected runs to compare, found none`);
  }
  const [onlyA] = a.result.cells;
  const [onlyB] = b.result.cells;
  const single = a.result.cells.length === 1 && b.result.cells.length === 1;
  if (single && onlyA !== undefined && onlyB !== undefined) {
    checkCells(a, onlyA, b, onlyB, across);
    return { pairs: [{ a: onlyA, b: onlyB }], notes: systemNotes(a, b) };
  }
  return matchMany(a, b, across);
}

function checkMachines(a: NamedResult, b: NamedResult, across: ReadonlySet<Aspect>): void {
  const [machineA, machineB] = [a.result.machine, b.result.machine];
  if (across.has('machines') || machineA.hash === machineB.hash) return;
  throw refusal(a, b, 'machines', `${describeMachine(machineA)} / ${describeMachine(machineB)}`);
}

/** Two cells that must be comparable, because there are no others. */
function checkCells(
  a: NamedResult,
  cellA: CellRecord,
  b: NamedResult,
  cellB: CellRecord,
  across: ReadonlySet<Aspect>,
): void {
  const [modelA, modelB] = [modelOf(a.result, cellA), modelOf(b.result, cellB)];
  if (!across.has('models') && modelKey(modelA) !== modelKey(modelB)) {
    throw refusal(a, b, 'models', `${showModel(modelA)} / ${showModel(modelB)}`);
  }
  const [audioA, audioB] = [audioOf(a.result, cellA), audioOf(b.result, cellB)];
  if (!across.has('audio') && soundKey(audioA) !== soundKey(audioB)) {
    throw refusal(a, b, 'audio', `${showAudio(audioA)} / ${showAudio(audioB)}`);
  }
  const differing = COMPARED_SETTINGS.filter(
    (setting) => settingOf(setting, cellA.settings) !== settingOf(setting, cellB.settings),
  );
  if (!across.has('settings') && differing.length > 0) {
    const shown = differing.map(
      (setting) =>
        `${setting.key} ${settingOf(setting, cellA.settings)} / ${settingOf(setting, cellB.settings)}`,
    );
    throw refusal(a, b, 'settings', shown.join(', '));
  }
}

function matchMany(a: NamedResult, b: NamedResult, across: ReadonlySet<Aspect>): CellPairs {
  const left = keyed(a, across);
  const right = keyed(b, across);
  const pairs: CellPair[] = [];
  for (const [key, cellA] of left) {
    const cellB = right.get(key);
    if (cellB !== undefined && cellA.runs.length > 0 && cellB.runs.length > 0)
      pairs.push({ a: cellA, b: cellB });
  }
  if (pairs.length === 0) {
    throw new QwenAsrError(
      'compare',
      `${a.name}, ${b.name}: expected cells with the same model, audio and settings, found none; --across compares what differs in them`,
    );
  }
  const paired = new Set(pairs.flatMap((pair) => [pair.a, pair.b]));
  const lonely = [a, b].flatMap(({ name, result }) =>
    result.cells.filter((cell) => !paired.has(cell)).map((cell) => `${name}: ${cell.id} has no partner`),
  );
  return { pairs, notes: [...systemNotes(a, b), ...lonely] };
}

/** Cells by everything that must agree; those that agree in all of it are told apart by their id. */
function keyed({ name, result }: NamedResult, across: ReadonlySet<Aspect>): Map<string, CellRecord> {
  const cells = new Map<string, CellRecord>();
  for (const cell of result.cells) {
    const key = JSON.stringify([
      across.has('models') ? null : modelKey(modelOf(result, cell)),
      across.has('audio') ? null : soundKey(audioOf(result, cell)),
      // Across settings nothing but the name of a cell is left to go by.
      across.has('settings')
        ? cell.id
        : COMPARED_SETTINGS.map((setting) => settingOf(setting, cell.settings)),
    ]);
    const other = cells.get(key);
    if (other !== undefined) {
      throw new QwenAsrError(
        'compare',
        `${name}: expected cells that differ in what is compared, found ${other.id} and ${cell.id} alike; leave out --across`,
      );
    }
    cells.set(key, cell);
  }
  return cells;
}

/** How often and how calmly it was measured does not change what was measured. */
const COMPARED_SETTINGS = STORED_SETTINGS.filter(({ compared }) => compared);

export function modelOf(result: BenchResult, { settings }: CellRecord): ModelRecord | undefined {
  return result.models.find(({ id }) => id === settings.model);
}

export function audioOf(result: BenchResult, { settings }: CellRecord): AudioRecord | undefined {
  return result.audio.find(({ id }) => id === settings.audio);
}

/** What is the same for the same weights: their hash, or else all that is known. */
function modelKey(model: ModelRecord | undefined): string | null {
  if (model === undefined) return null;
  return model.hash ?? `${model.source} ${model.published} ${model.weightBytes}`;
}

/** What is the same for the same sound. */
function soundKey(audio: AudioRecord | undefined): string | null {
  if (audio === undefined) return null;
  return audio.path === null
    ? `silence ${audio.durationMs}`
    : (audio.hash ?? `${audio.path} ${audio.durationMs}`);
}

function showModel(model: ModelRecord | undefined): string {
  return model === undefined ? 'none' : describeModel(model);
}

function showAudio(audio: AudioRecord | undefined): string {
  return audio === undefined ? 'none' : `${audio.path ?? 'silence'} (${formatSeconds(audio.durationMs)})`;
}

function systemNotes(a: NamedResult, b: NamedResult): string[] {
  const [machineA, machineB] = [a.result.machine, b.result.machine];
  return (['node', 'kernel', 'osName'] as const).flatMap((name) =>
    machineA[name] === machineB[name] ? [] : [`${name} differs: ${machineA[name]} / ${machineB[name]}`],
  );
}

function refusal(a: NamedResult, b: NamedResult, aspect: Aspect, found: string): QwenAsrError {
  return new QwenAsrError(
    'compare',
    `${a.name}, ${b.name}: expected the same ${aspect}, found ${found}; --across ${aspect} compares them all the same`,
  );
}

/** A cell of B and its partner in A, each by its first session, and the same cells in all sessions. */
export interface SessionPair extends CellPair {
  readonly sessionsA: readonly CellRecord[];
  readonly sessionsB: readonly CellRecord[];
}

export interface SessionPairs {
  readonly pairs: readonly SessionPair[];
  readonly notes: readonly string[];
}

/** Several sessions of one side must agree in everything. */
const NOTHING: ReadonlySet<Aspect> = new Set();

/**
 * Finds which cells of two sides are comparable, and the same cells in the other sessions of each side.
 *
 * @param a sessions of A, at least one
 * @param b sessions of B, at least one
 * @param across what A and B may differ in; sessions of one side may in nothing
 * @throws QwenAsrError `compare` naming what differs, when no cell has a partner, or for one measurement given twice
 */
export function pairSessions(
  a: readonly NamedResult[],
  b: readonly NamedResult[],
  across: ReadonlySet<Aspect>,
): SessionPairs {
  const [firstA, ...othersA] = a;
  const [firstB, ...othersB] = b;
  if (firstA === undefined || firstB === undefined) {
    throw new QwenAsrError(
      'compare',
      `compare: expected a result on each side, found ${a.length} and ${b.length}`,
    );
  }
  checkApart(a);
  checkApart(b);
  const { pairs, notes } = pairCells(firstA, firstB, across);
  const matchesA = othersA.map((other) => pairCells(firstA, other, NOTHING));
  const matchesB = othersB.map((other) => pairCells(firstB, other, NOTHING));
  const sessionsOf = (cell: CellRecord, matches: typeof matchesA) => [
    cell,
    ...matches.flatMap((match) => match.pairs.flatMap((pair) => (pair.a === cell ? [pair.b] : []))),
  ];
  return {
    pairs: pairs.map((pair) => ({
      ...pair,
      sessionsA: sessionsOf(pair.a, matchesA),
      sessionsB: sessionsOf(pair.b, matchesB),
    })),
    notes: [...new Set([notes, ...[...matchesA, ...matchesB].map((match) => match.notes)].flat())],
  };
}

/** Two files of one measurement would look like sessions that agree to the last bit. */
function checkApart(sessions: readonly NamedResult[]): void {
  const byTime = new Map<string, string>();
  for (const { name, result } of sessions) {
    const earlier = byTime.get(result.createdAt);
    if (earlier !== undefined) {
      throw new QwenAsrError(
        'compare',
        `${earlier}, ${name}: expected sessions that were measured apart, found the measurement of ${result.createdAt} twice`,
      );
    }
    byTime.set(result.createdAt, name);
  }
}
