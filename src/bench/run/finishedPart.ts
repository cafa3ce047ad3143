import { existsSync, readFileSync } from 'node:fs';
import { QwenAsrError } from '../../error.js';
import { captureMachine } from '../environment/captureMachine.js';
import type { ModelHashes } from '../environment/hashModel.js';
import { parseEvents, parseResult } from '../output/readResult.js';
import type { BenchPlan, ModelCellPlan } from '../plan/benchPlan.js';
import type { BenchEvent, BenchHeader } from '../record/benchEvent.js';
import type { BenchResult, CellRecord } from '../schema/benchResult.js';
import { hashSamples } from '../schema/hashSamples.js';
import type { RunRecord } from '../schema/runRecord.js';
import { audioKey, type LoadedAudio } from './benchmarkAudio.js';

/** What an interrupted measurement has left in its JSONL file. */
export interface FinishedPart {
  readonly header: BenchHeader;
  readonly events: readonly BenchEvent[];
  /** By cell. */
  readonly runs: ReadonlyMap<string, readonly RunRecord[]>;
  /** Cells that have records, with or without runs. */
  readonly begun: ReadonlySet<string>;
  /**
   * Whether a plan goes on with it.
   *
   * @throws QwenAsrError `compare` naming the first thing that was measured differently
   */
  check(plan: BenchPlan, audio: LoadedAudio, models: ModelHashes): void;
}

/**
 * Reads the file of `--resume`.
 *
 * @returns null when there is no such file yet, or nothing in it
 * @throws QwenAsrError `compare` when it is no result in JSONL, or of another machine
 */
export function readFinishedPart(path: string): FinishedPart | null {
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8');
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
    begun: new Set(result.cells.map(({ id }) => id)),
    check: (plan, audio, models) => {
      checkAudio(path, result, plan, audio);
      checkSettings(path, result, plan, models);
    },
  };
}

function refusal(path: string, expected: string, found: string): QwenAsrError {
  return new QwenAsrError('compare', `--resume ${path}: expected ${expected}, found ${found}`);
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
    const settings: Settings =
      planned.kind === 'command'
        ? [['command', planned.command, cell.settings.command]]
        : modelSettings(planned, cell, result, models);
    for (const [name, wanted, found] of settings) {
      if (wanted !== found) throw refusal(path, `${name} ${wanted} in ${cell.id}`, String(found));
    }
  }
}

type Settings = readonly (readonly [name: string, wanted: unknown, found: unknown])[];

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
