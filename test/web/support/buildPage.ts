import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../support/projectRoot.js';

export interface BuiltPage {
  readonly folder: string;
  remove(): void;
}

/**
 * Builds the web page into a folder of its own.
 *
 * @throws Error with what Vite says when it fails
 */
export function buildPage(): BuiltPage {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-web-'));
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', join(projectRoot, 'web'), '--outDir', folder, '--emptyOutDir'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 180_000,
  });
  if (status !== 0) throw new Error(`vite build failed: ${stdout}${stderr}`);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
