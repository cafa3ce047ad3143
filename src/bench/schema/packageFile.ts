import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QwenAsrError } from '../../error.js';

/**
 * A text file that ships with the package.
 *
 * @param path relative to the package's root
 * @throws QwenAsrError `internal` when it is not there
 * @example
 * JSON.parse(readPackageFile('schemas/bench-result-v1.schema.json'));
 */
export function readPackageFile(path: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    const file = join(folder, path);
    if (existsSync(file)) return readFileSync(file, 'utf8');
    folder = dirname(folder);
  }
  throw new QwenAsrError('internal', `the file ${path} of qwen-asr is missing`);
}
