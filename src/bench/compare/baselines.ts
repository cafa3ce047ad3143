import { existsSync, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { QwenAsrError } from '../../error.js';
import { makeFolder } from '../../model/writeWhole.js';
import { formatJson, unwritable } from '../output/formatJson.js';
import { checkWritable, writeText } from '../output/outputs.js';
import { readResult } from '../output/readResult.js';
import type { BenchResult } from '../schema/benchResult.js';
import type { NamedResult } from './pairCells.js';

/** Letters, digits, dots, dashes and underscores, as a file's name everywhere; none that hides or climbs. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/** Where baselines are kept unless the user says otherwise (XDG Base Directory Specification). */
export function defaultBaselineDir(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const data = env['XDG_DATA_HOME'];
  // The specification: relative paths are invalid and to be ignored.
  const home = data?.startsWith('/') ? data : join(homedir(), '.local', 'share');
  return join(home, 'qwen-asr', 'baselines');
}

/**
 * The file of a baseline to be saved, checked before anything is measured.
 *
 * @throws QwenAsrError `usage` for a name that is none, `file` when it cannot be written
 */
export function planBaseline(name: string, folder: string): string {
  if (!NAME.test(name)) {
    throw new QwenAsrError(
      'usage',
      `--save ${name}: expected a name of letters, digits, ".", "-" and "_", found ${JSON.stringify(name)}`,
    );
  }
  const path = join(folder, `${name}.json`);
  try {
    makeFolder(folder);
  } catch (error) {
    throw unwritable(path, error);
  }
  checkWritable(path);
  return path;
}

/** Saves a result under the path that {@link planBaseline} gave; an earlier one of the name is replaced. */
export function saveBaseline(path: string, result: BenchResult): void {
  writeText(path, formatJson(result));
}

/**
 * A result by the name of its file or of its baseline.
 *
 * @throws QwenAsrError `file` when there is neither, `compare` when it is no result
 */
export function openResult(name: string, folder: string): NamedResult {
  return { name, result: readResult(resultPath(name, folder)) };
}

/**
 * The file of a result or of a baseline; a file of the name is looked for first.
 *
 * @throws QwenAsrError `file` when there is neither
 */
export function resultPath(name: string, folder: string): string {
  if (existsSync(name) && statSync(name).isFile()) return name;
  const saved = join(folder, `${name}.json`);
  if (NAME.test(name) && existsSync(saved)) return saved;
  const known = baselineNames(folder);
  const found = known.length === 0 ? 'no baselines' : `the baselines ${known.join(', ')}`;
  throw new QwenAsrError(
    'file',
    `${name}: expected a result file or a baseline, found ${found} in ${folder}`,
  );
}

function baselineNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}
