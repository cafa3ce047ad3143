import { existsSync, readFileSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import { captureMachine } from '../environment/captureMachine.js';
import type { ModelHashes } from '../environment/provenance.js';
import { hashSamples } from '../environment/provenance.js';
import { parseEvents, parseResult } from '../output/readResult.js';
import type { BenchPlan, ModelCellPlan } from '../plan/benchPlan.js';
import type { BenchEvent, BenchHeader } from '../record/benchEvent.js';
import type { BenchResult, CellRecord, ToolRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import { audioKey, type LoadedAudio } from './benchmarkAudio.js';

/** What an interrupted measurement has left in its JSONL file. */
export interface FinishedPart {
  readonly header: BenchHeader;
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
export interface ResumeRequest {
  readonly plan: BenchPlan;
  readonly audio: LoadedAudio;
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
    header,
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

function refusal(path: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('compare', `--resume ${path}: expected ${expected}, found ${found}`);
}

/** Runs of two builds are no sample of one thing. */
function checkTool(path: string, { tool }: BenchResult, { version, commit }: ResumeRequest['tool']): void {
  if (tool.version !== version) throw refusal(path, `runs of version ${version}`, `those of ${tool.version}`);
  if (tool.commit !== null && commit !== null && tool.commit !== commit) {
    throw refusal(path, `runs of commit ${commit.slice(0, 12)}`, `those of ${tool.commit.slice(0, 12)}`);
  }
}

function checkAudio(path: string, result: BenchResult, plan: BenchPlan, audio: LoadedAudio): void {
  if (result.kind !== plan.kind) throw refusal(path, `a ${plan.kind}`, `a ${result.kind}`);
  for (const cell of result.cells) {
    const planned = plan.cells.find(({ id }) => id === cell.id);
    if (planned === undefined) {
      throw refusal(path, 'only cells of this command line', `the cell ${cell.id}`);
    }
    const clip = audio.get(audioKey(planned.audio));
    const recorded = result.audio.find(({ id }) => id === cell.settings.audio);
    if (clip === undefined || recorded?.hash !== hashSamples(clip.samples)) {
      throw refusal(path, `the same audio in ${cell.id}`, 'another');
    }
  }
}

function checkSettings(path: string, result: BenchResult, plan: BenchPlan, models: ModelHashes): void {
  for (const cell of result.cells) {
    const planned = plan.cells.find(({ id }) => id === cell.id);
    if (planned === undefined) continue;
    const settings: Settings = [
      ...sharedSettings(plan, cell),
      ...(planned.kind === 'command'
        ? [['command', planned.command, cell.settings.command] as const]
        : modelSettings(planned, cell, result, models)),
    ];
    for (const [name, wanted, found] of settings) {
      if (wanted !== found) throw refusal(path, `${name} ${wanted} in ${cell.id}`, String(found));
    }
    if (plan.runs !== null && cell.runs.length > plan.runs) {
      throw refusal(path, `at most ${plan.runs} run(s) in ${cell.id}`, String(cell.runs.length));
    }
  }
}

type Settings = readonly (readonly [name: string, wanted: unknown, found: unknown])[];

/** How all cells are measured. More runs than before may be asked for: they go on. */
function sharedSettings({ warmup, delayMs, isolated }: BenchPlan, { settings }: CellRecord): Settings {
  return [
    ['warm-up', warmup, settings.warmup],
    ['delay', `${delayMs} ms`, `${settings.delayMs} ms`],
    ['isolation', isolated && settings.mode !== 'command', settings.isolated],
  ];
}

/** What the command line asks for, beside what was measured; what it leaves open agrees with anything. */
function modelSettings(
  { mode, model, load, exactTokens, language, segmentSeconds, batch, skipSilence }: ModelCellPlan,
  { settings }: CellRecord,
  { models }: BenchResult,
  hashes: ModelHashes,
): Settings {
  const asked = (value: unknown, found: unknown) => (value === undefined || value === 'auto' ? found : value);
  const recorded = models.find(({ id }) => id === settings.model);
  // A cell that could not be made ready has no model.
  const sameModel = recorded === undefined || recorded.hash === (hashes.get(model) ?? null);
  return [
    ['mode', mode, settings.mode],
    ['model', model, sameModel ? model : `another (${recorded.source})`],
    ['threads', asked(load.threads, settings.threads), settings.threads],
    ['backend', asked(load.backend, settings.backend), settings.backend],
    ['isa', asked(load.isa, settings.isa), settings.isa],
    ['precision', asked(load.precision, settings.precision), settings.precision],
    ['tokens', asked(exactTokens, settings.exactTokens), settings.exactTokens],
    ['language', language ?? null, settings.language],
    ['segment', segmentSeconds ?? 'never', settings.segmentSeconds ?? 'never'],
    ['batch', batch, settings.batch],
    ['skip-silence', skipSilence, settings.skipSilence ?? false],
  ];
}
