import { existsSync, readFileSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import { captureMachine } from '../environment/captureMachine.js';
import { hashSamples, type ModelHashes } from '../environment/provenance.js';
import { parseEvents, parseResult } from '../output/readResult.js';
import type { BenchPlan, CellPlan } from '../plan/benchPlan.js';
import type { BenchEvent, BenchHeader } from '../record/benchEvent.js';
import type { BenchResult, CellRecord, ToolRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { Setting } from '../settings/setting.js';
import { STORED_SETTINGS, settingOf } from '../settings/storedSettings.js';
import { type AudioOfRun, audioKey } from './cellSession.js';

/** What an interrupted measurement has left in its JSONL file. */
export interface FinishedPart {
  readonly path: string;
  readonly header: BenchHeader;
  /** What its events make, without summaries. */
  readonly result: BenchResult;
  readonly events: readonly BenchEvent[];
  /** By cell. */
  readonly runs: ReadonlyMap<string, readonly RunRecord[]>;
  /** Cells that have runs: they are not begun again. */
  readonly begun: ReadonlySet<string>;
  /** Nothing was left to do. */
  readonly complete: boolean;
  /**
   * Whether a plan goes on with it.
   *
   * @throws QwenAsrError `compare` naming the first thing that was measured differently
   */
  check(request: ResumeRequest): void;
}

/** What is to be measured, by which build of the tool. */
interface ResumeRequest {
  readonly plan: BenchPlan;
  readonly audio: AudioOfRun;
  readonly models: ModelHashes;
  readonly tool: Omit<ToolRecord, 'name'>;
}

/** How a JSONL file begins. */
const FIRST_LINE = '{"event":"header"';

/**
 * Reads the file of `--resume`: its whole lines, because a last one that was cut off is written anew.
 *
 * @returns null when there is no such file yet, or nothing in it
 * @throws QwenAsrError `compare` when it is no result in JSONL, or of another machine
 */
export function readFinishedPart(path: string): FinishedPart | null {
  if (!existsSync(path)) return null;
  const content = readFileSync(path, 'utf8');
  const isBegun = content.startsWith(FIRST_LINE) || FIRST_LINE.startsWith(content);
  const text = isBegun ? content.slice(0, content.lastIndexOf('\n') + 1) : content;
  if (text.trim() === '') return null;
  const result = parseResult(text, path);
  const events = parseEvents(text, path);
  const [header] = events;
  if (header?.event !== 'header') {
    throw new QwenAsrError('compare', `--resume ${path}: expected a result in JSONL, found another format`);
  }
  if (header.machine.hash !== captureMachine().hash) {
    throw new QwenAsrError('compare', `--resume ${path}: expected a result of this machine, found another's`);
  }
  return {
    ...{ path, header, result },
    events,
    runs: new Map(result.cells.map(({ id, runs }) => [id, runs])),
    begun: new Set(result.cells.filter(({ runs }) => runs.length > 0).map(({ id }) => id)),
    complete: result.complete,
    check: ({ plan, audio, models, tool }) => {
      checkTool(path, result, tool);
      checkAudio(path, result, plan, audio);
      checkSettings(path, result, plan, models);
    },
  };
}

/** Why a file cannot be gone on with. */
export function resumeRefusal(path: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('compare', `--resume ${path}: expected ${expected}, found ${found}`);
}

/**
 * Runs of two builds are no sample of one thing.
 *
 * @throws QwenAsrError `compare`
 */
export function checkTool(
  path: string,
  { tool }: BenchResult,
  { version, commit }: ResumeRequest['tool'],
): void {
  if (tool.version !== version)
    throw resumeRefusal(path, `runs of version ${version}`, `those of ${tool.version}`);
  if (tool.commit !== null && commit !== null && tool.commit !== commit) {
    throw resumeRefusal(
      path,
      `runs of commit ${commit.slice(0, 12)}`,
      `those of ${tool.commit.slice(0, 12)}`,
    );
  }
}

function checkAudio(path: string, result: BenchResult, plan: BenchPlan, audio: AudioOfRun): void {
  if (result.kind !== plan.kind) throw resumeRefusal(path, `a ${plan.kind}`, `a ${result.kind}`);
  for (const cell of result.cells) {
    const planned = plan.cells.find(({ id }) => id === cell.id);
    if (planned === undefined) {
      throw resumeRefusal(path, 'only cells of this command line', `the cell ${cell.id}`);
    }
    const clip = audio.get(audioKey(planned.audio));
    const recorded = result.audio.find(({ id }) => id === cell.settings.audio);
    if (clip === undefined || recorded?.hash !== hashSamples(clip.samples)) {
      throw resumeRefusal(path, `the same audio in ${cell.id}`, 'another');
    }
  }
}

function checkSettings(path: string, result: BenchResult, plan: BenchPlan, models: ModelHashes): void {
  for (const cell of result.cells) {
    const planned = plan.cells.find(({ id }) => id === cell.id);
    if (planned === undefined) continue;
    if (planned.kind === 'model') checkModel(path, result, cell, planned.model, models);
    for (const setting of STORED_SETTINGS) checkSetting(path, setting, plan, planned, cell);
    if (plan.runs !== null && cell.runs.length > plan.runs) {
      throw resumeRefusal(path, `at most ${plan.runs} run(s) in ${cell.id}`, String(cell.runs.length));
    }
  }
}

function checkModel(
  path: string,
  { models }: BenchResult,
  { id, settings }: CellRecord,
  source: string,
  hashes: ModelHashes,
): void {
  const recorded = models.find((model) => model.id === settings.model);
  // A cell that could not be made ready has no model.
  if (recorded === undefined || recorded.hash === (hashes.get(source) ?? null)) return;
  throw resumeRefusal(path, `model ${source} in ${id}`, `another (${recorded.source})`);
}

/** What the command line leaves open agrees with anything. More runs than before may be asked for: they go on. */
function checkSetting(
  path: string,
  setting: Setting,
  plan: BenchPlan,
  planned: CellPlan,
  { id, settings }: CellRecord,
): void {
  if (setting.resumed === undefined) return;
  const { name, wanted: wantedOf, show = String } = setting.resumed;
  const [wanted, found] = [wantedOf({ plan, cell: planned }), settingOf(setting, settings)];
  if (wanted === undefined || wanted === found) return;
  throw resumeRefusal(path, `${name} ${show(wanted)} in ${id}`, show(found));
}
