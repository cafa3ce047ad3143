import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('resourceChild.js', import.meta.url));
const LIMIT_MS = 180_000;

export interface Outcome {
  readonly code: number | null;
  readonly result: unknown;
  /** From the child's line to its end. */
  readonly endMs: number;
}

/** Plays a scene of resourceChild.ts. */
export function playScene(scene: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, scene], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    let [stdout, stderr, lineMs] = ['', '', Number.NaN];
    child.stdout.on('data', (text) => {
      stdout += text;
      lineMs = performance.now();
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (stdout === '') return reject(new Error(`${scene}: nothing on standard output, ${stderr}`));
      resolve({ code, result: JSON.parse(stdout), endMs: performance.now() - lineMs });
    });
  });
}
