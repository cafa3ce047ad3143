// Compiles src/ and test/ to dist/, bundles the page that a server gives out, and writes the two executables of the
// project root.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
if (!existsSync(compiler)) {
  console.error('error: node_modules is missing: run `npm ci` first');
  process.exit(1);
}
const compiled = spawnSync(process.execPath, [compiler, '-p', root], { stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const page = join(root, 'dist', 'page');
const { build } = await import('esbuild');
await build({
  absWorkingDir: join(root, 'web'),
  entryPoints: ['served/main.ts', 'served/style.css', 'audio/microphoneProcessor.js'],
  entryNames: '[name]',
  outdir: page,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
copyFileSync(join(root, 'web', 'served', 'index.html'), join(page, 'index.html'));

for (const [name, entry] of [
  ['qwen_asr', 'qwenAsr.js'],
  ['qwen_asr_bench', 'qwenAsrBench.js'],
]) {
  const target = join(root, name);
  writeFileSync(target, `#!/usr/bin/env node\nimport './dist/src/cli/${entry}';\n`);
  chmodSync(target, 0o755);
}
