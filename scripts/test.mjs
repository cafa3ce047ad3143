// Runs every compiled test file with node:test, a process each, as many at once as there are processors (Node's own choice
// is one fewer), in the order of their names, which is Node's. Arguments narrow the run: `node scripts/test.mjs audio`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv.slice(2);
const files = readdirSync(join(root, 'dist', 'test'), { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .map((file) => join(root, 'dist', 'test', file));
if (files.length === 0) {
  console.error(`error: no test file matches ${wanted.join(' ') || 'dist/test'}`);
  process.exit(1);
}
const concurrency = `--test-concurrency=${availableParallelism()}`;
// What somebody pulled must not become a test's default model.
const { QWEN_ASR_MODEL: _, ...env } = { ...process.env, HF_HUB_CACHE: join(root, 'dist', 'no-cache') };
const reporters = [process.stdout.isTTY ? 'spec' : 'tap', './scripts/closingLines.mjs'].flatMap(
  (reporter) => [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout'],
);
const run = spawnSync(process.execPath, ['--test', concurrency, ...reporters, ...files], {
  stdio: 'inherit',
  cwd: root,
  env,
});
process.exit(run.status ?? 1);
