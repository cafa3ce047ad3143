import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: the nearest folder above this file whose package.json names this project. */
export const projectRoot = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The bundled demo model, which a person loads the same way. */
export const demoModelDir = join(projectRoot, 'models', 'demo');

/** The bundled aligner, which gives the words of the demo model their times. */
export const demoAlignerDir = join(projectRoot, 'models', 'demo-aligner');

/** Stage outputs of the independent implementation; see its README. */
export const goldenDir = join(projectRoot, 'test', 'golden');

/** Folder of the demo model's held-out set (its README), or null when QWEN_ASR_HELD_OUT is unset. */
export function heldOutDir(): string | null {
  const directory = process.env['QWEN_ASR_HELD_OUT'];
  return directory !== undefined && existsSync(directory) ? directory : null;
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'qwen-asr') return folder;
    if (folder === dirname(folder)) throw new Error(`no qwen-asr package.json above ${start}`);
  }
}
