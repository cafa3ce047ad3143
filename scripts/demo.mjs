// The main job on the bundled model and recording: the transcript, then the benchmark's full table.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const model = join('models', 'demo');
const recording = join(model, 'samples', 'timer-en.wav');

show('qwen_asr', ['-d', model, '-i', recording]);
show('qwen_asr_bench', ['-d', model, '-i', recording, '-n', '5']);

/** Prints the command as a person would type it, and runs it. */
function show(command, args) {
  console.log(`\n$ ./${command} ${args.join(' ')}\n`);
  const run = spawnSync(process.execPath, [join(root, command), ...args], { stdio: 'inherit', cwd: root });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
