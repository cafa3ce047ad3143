import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryFolder } from '../../model/writeWhole.js';
import { defaultThreadCount } from '../../runtime/nodeThreads.js';
import type { RunMeters } from '../meters/runMeters.js';
import type { BenchPlan, CellPlan, CommandCellPlan, ModelCellPlan } from '../plan/benchPlan.js';
import type { BenchmarkAudio, CellSession, OpenCell, OpenCellOptions } from './cellSession.js';
import { IsolatedCells, openIsolatedCell } from './isolatedCells.js';
import { type CommandSession, openCommandCell } from './openCommandCell.js';
import { type ModelPool, openModelCell } from './openModelCell.js';

/** What the cells of a measurement share. */
export interface CellParts {
  readonly plan: BenchPlan;
  readonly pool: ModelPool;
  readonly meters: RunMeters;
  readonly audio: (cell: CellPlan) => BenchmarkAudio;
}

/**
 * How a measurement makes its cells ready: in this process, in one of their own, or as a command. Beside a command of
 * which only the time of its whole process is known, this engine is timed as a whole process too, in the same round.
 */
export function openCell(parts: CellParts): OpenCell {
  const { plan, pool, meters, audio } = parts;
  const rivals = { asProcesses: false };
  const isolated = new IsolatedCells();
  return async (cell, options): Promise<CellSession> => {
    if (cell.kind === 'command') {
      const session = await openCommand(cell, parts, options);
      rivals.asProcesses ||= !session.tellsFigures;
      return session;
    }
    const session = plan.isolated
      ? await isolated.open(cell, options)
      : await openModelCell(cell, { pool, meters, audio: audio(cell) }, options);
    if (plan.cells.indexOf(cell) > 0 || cell.mode === 'encoder') return session;
    return {
      ...session,
      run: async () => {
        const run = await session.run();
        if (!rivals.asProcesses) return run;
        await isolated.release();
        return { ...run, commandMs: await timeProcess(cell, options) };
      },
    };
  };
}

/** Wall time of this engine as a command: starting, loading, one run, ending. */
async function timeProcess(cell: ModelCellPlan, { signal }: OpenCellOptions): Promise<number> {
  const startMs = performance.now();
  const session = await openIsolatedCell(cell, { signal });
  try {
    await session.run();
  } finally {
    await session.close();
  }
  return performance.now() - startMs;
}

async function openCommand(
  cell: CommandCellPlan,
  { plan, audio }: CellParts,
  { signal }: OpenCellOptions,
): Promise<CommandSession> {
  const { threads = defaultThreadCount(), model } = cell;
  const clip = audio(cell);
  const file = clip.path === null ? silenceFile(clip.samples.length) : null;
  const values = { audio: clip.path ?? file?.path ?? '', model, threads };
  try {
    const session = await openCommandCell(cell, values, clip, { signal, warmup: plan.warmup !== 0 });
    return { ...session, close: async () => file?.remove() };
  } catch (error) {
    file?.remove();
    throw error;
  }
}

/** Silence as a file, for a command that can read nothing else. */
function silenceFile(sampleCount: number): { readonly path: string; readonly remove: () => void } {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'silence.wav');
  writeFileSync(path, silentWav(sampleCount));
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** RIFF/WAVE, 16-bit PCM, mono, 16 kHz, all zeros. */
export function silentWav(sampleCount: number): Uint8Array {
  const dataBytes = 2 * sampleCount;
  const wav = Buffer.alloc(44 + dataBytes);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(36 + dataBytes, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16); // length of the format chunk
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // channels
  wav.writeUInt32LE(16_000, 24);
  wav.writeUInt32LE(32_000, 28); // bytes a second
  wav.writeUInt16LE(2, 32); // bytes a frame
  wav.writeUInt16LE(16, 34); // bits a sample
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(dataBytes, 40);
  return wav;
}
