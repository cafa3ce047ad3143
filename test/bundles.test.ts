import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type BuildOptions, buildSync } from 'esbuild';
import { loadModel } from '../src/index.js';
import { demoModelDir, projectRoot } from './support/projectRoot.js';
import { noChromium, openChromium } from './web/support/chromium.js';
import { serveFolder } from './web/support/serveFolder.js';

/* Programs that others bundle with this library into one file, which then lies somewhere else. */

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-bundles-'));
after(() => rmSync(scratch, { recursive: true }));

/** What the bundled programs say. */
interface Said {
  readonly text: string;
  readonly backend: string;
  readonly threads: number;
  readonly note: string | null;
}

/** Without top-level await, which other formats than ES modules do not have. */
const NODE_PROGRAM = `
import { loadModel, loadWav } from 'qwen-asr';
async function main() {
  let note;
  const model = await loadModel(process.argv[2], { threads: 2, onBackend: (chosen) => ({ note } = chosen) });
  const { samples } = await loadWav(process.argv[2] + '/samples/light-en.wav');
  const { text } = await model.transcribe(samples).result;
  const { backend, threads } = model.info;
  await model.close();
  console.log(JSON.stringify({ text, backend, threads, note }));
}
main();`;

const BROWSER_PROGRAM = `
import { decodeAudio, loadModelFromFiles } from 'qwen-asr';
globalThis.run = async () => {
  let note;
  const onBackend = (chosen) => ({ note } = chosen);
  const model = await loadModelFromFiles(new URL('/models/demo/', location.href), { threads: 2, onBackend });
  const { samples } = await decodeAudio(await fetch('/models/demo/samples/light-en.wav'));
  const { text } = await model.transcribe(samples).result;
  const { backend, threads } = model.info;
  await model.close();
  return { text, backend, threads, note };
};`;

function bundle(program: string, outfile: string, options: BuildOptions): void {
  buildSync({
    stdin: { contents: program, resolveDir: projectRoot },
    outfile,
    bundle: true,
    logLevel: 'error',
    ...options,
  });
}

function runBundle(file: string): Said {
  const run = spawnSync(process.execPath, [file, demoModelDir], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([run.status, run.stderr], [0, '']);
  return JSON.parse(run.stdout);
}

/** Names that survive and texts that do not are what bundlers differ in. */
const SHRUNK: BuildOptions = { minify: true, keepNames: true, target: 'es2022' };
const NODE_BUNDLES: readonly (readonly [name: string, file: string, options: BuildOptions])[] = [
  ['an ES module', 'plain.mjs', { format: 'esm' }],
  ['a minified ES module', 'shrunk.mjs', { format: 'esm', ...SHRUNK }],
  ['CommonJS', 'plain.cjs', { format: 'cjs', logOverride: { 'empty-import-meta': 'silent' } }],
  [
    'minified CommonJS',
    'shrunk.cjs',
    { format: 'cjs', ...SHRUNK, logOverride: { 'empty-import-meta': 'silent' } },
  ],
];

for (const [name, file, options] of NODE_BUNDLES) {
  test(`${name} for Node, in a folder without koffi: WebAssembly on both threads`, () => {
    bundle(NODE_PROGRAM, join(scratch, file), { platform: 'node', external: ['koffi'], ...options });
    const { note, ...said } = runBundle(join(scratch, file));
    assert.deepEqual(said, { text: 'Turn on the kitchen light.', backend: 'wasm', threads: 2 });
    assert.match(note ?? '', /^WebAssembly instead of machine code: [^;]*$/); // all threads started
  });
}

test('an ES module for Node, in a folder with koffi: what the library itself chooses', async () => {
  const home = mkdtempSync(join(scratch, 'koffi-'));
  symlinkSync(join(projectRoot, 'node_modules'), join(home, 'node_modules'));
  bundle(NODE_PROGRAM, join(home, 'program.mjs'), { platform: 'node', format: 'esm', external: ['koffi'] });
  const model = await loadModel(demoModelDir);
  const { backend } = model.info;
  await model.close();
  const { note, ...said } = runBundle(join(home, 'program.mjs'));
  assert.deepEqual(said, { text: 'Turn on the kitchen light.', backend, threads: 2 });
  assert.equal(note === null, backend === 'x64');
});

const PAGES: readonly (readonly [name: string, options: BuildOptions, policy: string | null])[] = [
  ['a module', { format: 'esm' }, null],
  ['a minified classic script', { format: 'iife', ...SHRUNK }, null],
  ['a page that allows no workers', { format: 'iife' }, "worker-src 'none'"],
];

test('bundles for browsers', { skip: noChromium }, async (t) => {
  const site = mkdtempSync(join(scratch, 'site-'));
  const server = await serveFolder(site, true, { models: join(projectRoot, 'models') });
  const chromium = await openChromium();
  try {
    for (const [index, [name, options, policy]] of PAGES.entries()) {
      await t.test(name, async () => {
        bundle(BROWSER_PROGRAM, join(site, `${index}.js`), { platform: 'browser', ...options });
        const type = options.format === 'esm' ? ' type="module"' : '';
        const meta = policy === null ? '' : `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
        const head = `${meta}<link rel="icon" href="data:,"><script src="${index}.js"${type}></script>`;
        writeFileSync(join(site, `${index}.html`), `<!doctype html><title>bundle</title>${head}`);
        const page = await chromium.newPage();
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        await page.goto(`${server.address}${index}.html`);
        const { note, ...said } = (await page.evaluate('run()')) as Said;
        const threads = policy === null ? 2 : 1;
        assert.deepEqual(said, { text: 'Turn on the kitchen light.', backend: 'wasm', threads });
        // The model's optional files are asked for, and browsers report every address that is not there.
        const unexpected = complaints.filter((text) => !text.includes('404 (Not Found)'));
        if (policy === null) assert.deepEqual([note, unexpected], [null, []]);
        else
          assert.match(
            note ?? '',
            /^the wasm backend runs on 1 thread, not 2: a worker did not start \(.*blob:/,
          );
        await page.close();
      });
    }
  } finally {
    await chromium.close();
    await server.close();
  }
});
