import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as library from '../src/index.js';
import { projectRoot } from './support/projectRoot.js';

const LIBRARY = new URL('../src/index.js', import.meta.url).href;
const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-examples-'));
after(() => rmSync(scratch, { recursive: true }));

/** What examples take for granted. */
const GIVEN: Readonly<Record<string, string>> = {
  model: "await loadModel('models/demo')",
  clip: "await loadWav('models/demo/samples/light-en.wav')",
  files: "['models/demo/samples/light-en.wav', 'models/demo/samples/timer-en.wav']",
  file: "{ name: 'x.wav', arrayBuffer: async () => (await import('node:fs')).readFileSync(files[0]) }",
  consume: '() => {}',
  aligner: "await loadAligner('models/demo-aligner')",
  recordings: "[(await loadWav('models/demo/samples/light-en.wav')).samples]",
};

/** Files of the public interface whose examples are run as they stand. */
const SOURCES = [
  'index.ts',
  'audio/decodeAudio.ts',
  'audio/melSpectrogram.ts',
  'audio/openAudio.ts',
  'text/joinTexts.ts',
  'transcribe/align/alignTypes.ts',
  'transcribe/align/loadAligner.ts',
  'transcribe/loadModel.ts',
  'transcribe/segmentRecording.ts',
  'transcribe/types.ts',
];

for (const source of SOURCES) {
  const examples = examplesOf(readFileSync(join(projectRoot, 'src', source), 'utf8'));
  test(`src/${source} has examples`, () => assert.ok(examples.length > 0));
  for (const [i, example] of examples.entries()) {
    test(`src/${source}, example ${i + 1}: ${example.split('\n')[0]}`, () => void run(example));
  }
}

test('the examples of the README print what they say', () => {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  assert.ok(blocks.length >= 2);
  for (const block of blocks) {
    const output = run(block.replace(/: string\[\]/g, ''));
    for (const [, printed = ''] of block.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)) {
      assert.ok(output.includes(`${printed}\n`), output);
    }
  }
});

/** The code behind each `@example`, up to the next tag or the comment's end. */
function examplesOf(text: string): string[] {
  return [...text.matchAll(/@example\n((?: *\* (?!@).*\n| *\*\n)+)/g)].map(([, block = '']) =>
    block.replace(/^ *\* ?/gm, '').trim(),
  );
}

/** Runs an example in a process of its own; where a line says what its expression is, that must be true. */
function run(example: string): string {
  const checked = example
    .replaceAll("'lecture.mp3'", "'models/demo/samples/timer-en.wav'")
    .replaceAll("'qwen-asr'", JSON.stringify(LIBRARY))
    .replace(/^(\w+\(.*\)); \/\/ ('.*')$/gm, 'assert.deepEqual($1, $2);');
  const imported = Object.keys(library).filter((name) => !new RegExp(`import .*\\b${name}\\b`).test(checked));
  const given = Object.entries(GIVEN)
    .filter(([name]) => !new RegExp(`(const|function\\*?) ${name}\\b`).test(checked))
    .map(([name, value]) => `const ${name} = ${value};`);
  // In their order: some build on others.
  const needed = given.filter(
    (line) => !/^const (model|clip|aligner) /.test(line) || checked.includes(line.split(' ')[1]!),
  );
  const closing = ['model', 'aligner']
    .filter((name) => needed.some((line) => line.startsWith(`const ${name} `)))
    .map((name) => `await ${name}.close();`)
    .join('\n');
  const path = join(scratch, 'example.mjs');
  writeFileSync(
    path,
    [
      "import assert from 'node:assert/strict';",
      `import { ${imported.join(', ')} } from ${JSON.stringify(LIBRARY)};`,
      ...needed.sort((a, b) => Number(a.includes(' file ')) - Number(b.includes(' file '))),
      checked,
      closing,
    ].join('\n'),
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: 180_000,
  });
  assert.equal(status, 0, `${checked}\n${stderr}`);
  return stdout;
}
