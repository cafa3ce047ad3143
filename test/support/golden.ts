import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoModelDir, goldenDir } from './projectRoot.js';

export { relativeRms } from './relativeRms.js';

/** golden.json of one run of the independent implementation; see test/golden/README.md. */
export interface Golden {
  readonly raw: string;
  readonly language: string;
  readonly text: string;
  readonly prompt_ids: readonly number[];
  readonly tokens: readonly number[];
  /** How far the best logit is from the second, at every step. */
  readonly margins: readonly number[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly eos: readonly number[];
  readonly samples: number;
  /** The recording's file name; goldenWav() has its path. */
  readonly wav: string;
}

/** @param name folder below test/golden, for example `demo/timer-en` */
export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(join(goldenDir, name, 'golden.json'), 'utf8')) as Golden;
}

/** The recording that a golden was made from: those of random weights had one of the first demo model's. */
export function goldenWav(name: string): string {
  const folder = name.startsWith('demo/') ? join(demoModelDir, 'samples') : join(goldenDir, 'variants');
  return join(folder, readGolden(name).wav);
}

/** One stage's values, f32. */
export function readGoldenStage(name: string, stage: string): Float32Array {
  const bytes = readFileSync(join(goldenDir, name, `${stage}.f32`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
