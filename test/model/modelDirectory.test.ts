import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OpenFile, readFileBytes, readModelDirectory } from '../../src/model/modelDirectory.js';
import type { ModelFiles } from '../../src/model/readModelFolder.js';
import { demoModelDir } from '../support/projectRoot.js';
import { demoTensors, hfName, widenBf16, writeDemoCopy } from './support/demoModel.js';
import { oneLineError } from './support/oneLineError.js';
import { safetensorsFile } from './support/safetensorsFile.js';
import { temporaryDirectory } from './support/temporaryDirectory.js';

const tensors = demoTensors();

/** Every tensor of the demo model, under its canonical name, has the demo model's bytes. */
function assertDemoBytes(files: ModelFiles): void {
  assert.equal(files.tensors.byName.size, tensors.length);
  for (const { name, shape, bytes } of tensors) {
    const parameter = files.tensors.require(name.replace('thinker.', ''));
    assert.deepEqual(parameter.shape, shape, name);
    assert.deepEqual(Buffer.compare(parameter.bytes, bytes), 0, name);
  }
}

test('reads the demo model', async () => {
  const files = await readModelDirectory(demoModelDir);
  assertDemoBytes(files);
  assert.equal(files.source, demoModelDir);
  assert.equal(files.synthetic, false);
  assert.equal(files.tensors.layout, 'original');
  assert.equal(files.tensors.parameterCount, 5_242_304);
  assert.equal(files.tensors.byteLength, 2 * 5_242_304);
  assert.equal(files.configJson, readFileSync(join(demoModelDir, 'config.json'), 'utf8'));
  assert.deepEqual(files.tokenizerFiles.vocabJson, readFileSync(join(demoModelDir, 'vocab.json')));
  assert.equal(files.tokenizerFiles.mergesTxt, readFileSync(join(demoModelDir, 'merges.txt'), 'utf8'));
  assert.ok(files.tokenizerFiles.tokenizerConfigJson?.includes('<asr_text>'));
  assert.equal('tokenizerJson' in files.tokenizerFiles, false);
  assert.ok(files.generationConfigJson?.includes('eos_token_id'));
  files.release();
  files.release();
});

test('reads the -hf layout', async (t) => {
  const directory = temporaryDirectory(t);
  writeDemoCopy(
    directory,
    tensors.map((tensor) => ({ ...tensor, name: hfName(tensor.name) })),
  );
  const files = await readModelDirectory(directory);
  assert.equal(files.tensors.layout, 'hf');
  assertDemoBytes(files);
});

test('needs no file but weights and a vocabulary', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'weights.safetensors'), safetensorsFile(tensors));
  writeFileSync(join(directory, 'tokenizer.json'), '{}');
  const files = await readModelDirectory(directory);
  assertDemoBytes(files);
  assert.equal('configJson' in files, false);
  assert.deepEqual(files.tokenizerFiles, { tokenizerJson: '{}' });
});

test('copies tensors that an odd header length puts at odd addresses', async (t) => {
  for (const padding of [0, 1, 2, 3]) {
    const directory = temporaryDirectory(t);
    writeDemoCopy(directory, tensors, { padding });
    const files = await readModelDirectory(directory);
    assertDemoBytes(files);
    for (const { bytes } of files.tensors.byName.values()) assert.equal(bytes.byteOffset % 2, 0);
  }
});

test('reads F32 and F16, aligned to their sizes', async (t) => {
  for (const padding of [0, 1, 2, 3]) {
    const directory = temporaryDirectory(t);
    const wide = tensors.map((tensor) => ({ ...tensor, dtype: 'F32', bytes: widenBf16(tensor.bytes) }));
    // An F16 tensor in front moves the others by 2 bytes.
    const half = { name: 'thinker.extra', dtype: 'F16', shape: [1], bytes: new Uint8Array(2) };
    writeDemoCopy(directory, [half, ...wide], { padding });
    const { byName, unknownNames } = (await readModelDirectory(directory)).tensors;
    assert.deepEqual(unknownNames, ['thinker.extra']);
    for (const { name, bytes } of wide) {
      const parameter = byName.get(name.replace('thinker.', ''));
      assert.equal(parameter?.dtype, 'f32');
      assert.equal(parameter.bytes.byteOffset % 4, 0);
      assert.equal(Buffer.compare(parameter.bytes, bytes), 0);
    }
  }
  const directory = temporaryDirectory(t);
  writeDemoCopy(
    directory,
    tensors.map((tensor) => ({ ...tensor, dtype: 'F16' })),
  );
  const files = await readModelDirectory(directory);
  assert.equal(files.tensors.require('model.norm.weight').dtype, 'f16');
  assertDemoBytes(files);
});

test('a tensor of another dtype is an error only when it is needed', async (t) => {
  const directory = temporaryDirectory(t);
  const integers = { dtype: 'I64', shape: [2], bytes: new Uint8Array(16) };
  const others = tensors.filter((tensor) => tensor.name !== 'thinker.model.norm.weight');
  writeDemoCopy(directory, [
    ...others,
    { name: 'thinker.model.norm.weight', ...integers },
    { name: 'thinker.audio_tower.position_ids', ...integers },
  ]);
  const files = await readModelDirectory(directory);
  assert.equal(files.tensors.byName.size, others.length);
  assert.throws(
    () => files.tensors.require('model.norm.weight'),
    oneLineError('model', /thinker\.model\.norm\.weight: expected dtype BF16, F16 or F32, found "I64"/),
  );
});

test('reads shards that an index names, and shards without an index', async (t) => {
  const directory = temporaryDirectory(t);
  writeShards(directory, (name) => name);
  assertDemoBytes(await readModelDirectory(directory));
  rmSync(join(directory, 'model.safetensors.index.json'));
  assertDemoBytes(await readModelDirectory(directory));
  // An index may omit what a shard holds: the names in the shards are what counts.
  writeFileSync(
    join(directory, 'model.safetensors.index.json'),
    JSON.stringify({
      weight_map: { 'thinker.model.norm.weight': 'b.safetensors', [tensors[0]?.name ?? '']: 'a.safetensors' },
    }),
  );
  assertDemoBytes(await readModelDirectory(directory));
});

test('a single model.safetensors wins over an index', async (t) => {
  const directory = temporaryDirectory(t);
  writeDemoCopy(directory, tensors);
  writeFileSync(join(directory, 'model.safetensors.index.json'), 'not JSON');
  assertDemoBytes(await readModelDirectory(directory));
});

test('a tensor in two files is an error', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'vocab.json'), '{}');
  writeFileSync(join(directory, 'a.safetensors'), safetensorsFile(tensors));
  writeFileSync(join(directory, 'b.safetensors'), safetensorsFile(tensors.slice(5, 6)));
  await assert.rejects(
    readModelDirectory(directory),
    oneLineError('model', /is in a\.safetensors and in b\.safetensors/),
  );
});

const badShardNames: [what: string, name: unknown, pattern: RegExp][] = [
  ['absent', 'c.safetensors', /"c\.safetensors" is missing/],
  ['absolute', '/etc/passwd.safetensors', /beside the index/],
  ['above', '../a.safetensors', /beside the index/],
  ['in a folder', 'folder/a.safetensors', /beside the index/],
  ['with backslashes', '..\\a.safetensors', /beside the index/],
  ['of a drive', 'C:\\a.safetensors', /beside the index/],
  ['of another type', 'vocab.json', /beside the index/],
  ['with a NUL', 'a\0.safetensors', /beside the index/],
  ['that would clear the screen', '\u001b[2J.safetensors', /beside the index/],
  ['empty', '', /beside the index/],
  ['a number', 7, /found 7/],
  ['null', null, /found null/],
  ['an object', {}, /found an object/],
  [
    'that holds another part',
    'b.safetensors',
    /expected tensor ".*" in "b\.safetensors", found it in a\.saf/,
  ],
];
for (const [what, name, pattern] of badShardNames) {
  test(`rejects an index with a shard ${what}`, async (t) => {
    const directory = temporaryDirectory(t);
    let first = true;
    writeShards(directory, (right) => {
      const chosen = first ? name : right;
      first = false;
      return chosen;
    });
    await assert.rejects(readModelDirectory(directory), oneLineError('model', pattern));
  });
}

const badIndexes: [text: string, pattern: RegExp][] = [
  ['', /not JSON/],
  ['{', /not JSON/],
  ['[]', /expected a JSON object, found an array/],
  ['null', /found null/],
  ['{}', /weight_map to be an object, found undefined/],
  ['{"weight_map":[]}', /found an array/],
  ['{"weight_map":{}}', /names no tensors/],
  [
    '{"weight_map":{"lost":"a.safetensors"}}',
    /expected tensor "lost" in "a\.safetensors", found it in no file/,
  ],
  ['{"weight_map":{"__proto__":"../a.safetensors"}}', /beside the index/],
];
for (const [text, pattern] of badIndexes) {
  test(`rejects the index ${text}`, async (t) => {
    const directory = temporaryDirectory(t);
    writeShards(directory, (name) => name);
    writeFileSync(join(directory, 'model.safetensors.index.json'), text);
    await assert.rejects(readModelDirectory(directory), oneLineError('model', pattern));
  });
}

test('says what a directory lacks', async (t) => {
  const directory = temporaryDirectory(t);
  const read = (...path: string[]) => readModelDirectory(join(directory, ...path));
  await assert.rejects(read('absent'), oneLineError('file', /absent: no such file or directory/));
  writeFileSync(join(directory, 'vocab.json'), '{}');
  await assert.rejects(read('vocab.json'), oneLineError('file', /expected a model directory, found a file/));
  await assert.rejects(read('vocab.json', 'x'), oneLineError('file', /not a directory/));
  await assert.rejects(read(), oneLineError('model', /expected a \*\.safetensors file, found none/));
  writeFileSync(join(directory, 'model.safetensors'), safetensorsFile(tensors));
  rmSync(join(directory, 'vocab.json'));
  await assert.rejects(
    read(),
    oneLineError('model', /expected vocab\.json or tokenizer\.json, found neither/),
  );
  writeFileSync(join(directory, 'vocab.json'), new Uint8Array([0xff, 0xfe]));
  await assert.rejects(read(), oneLineError('model', /vocab\.json: not UTF-8/));
  rmSync(join(directory, 'vocab.json'));
  mkdirSync(join(directory, 'vocab.json'));
  await assert.rejects(read(), oneLineError('file', /vocab\.json: expected a file/));
});

test('rejects weights of another kind of model', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'vocab.json'), '{}');
  const file = join(directory, 'model.safetensors');
  writeFileSync(file, safetensorsFile([]));
  await assert.rejects(readModelDirectory(directory), oneLineError('model', /found no tensors/));
  writeFileSync(
    file,
    safetensorsFile([{ name: 'bert.x', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) }]),
  );
  await assert.rejects(
    readModelDirectory(directory),
    oneLineError('model', /found 1 others, first "bert\.x"/),
  );
  writeFileSync(file, 'version https://git-lfs.github.com/spec/v1\n');
  await assert.rejects(readModelDirectory(directory), oneLineError('model', /not a safetensors file/));
});

test('two spellings of one weight are an error', async (t) => {
  const directory = temporaryDirectory(t);
  const hf = tensors.map((tensor) => ({ ...tensor, name: hfName(tensor.name) }));
  const proj1 = hf.filter((tensor) => tensor.name.startsWith('model.multi_modal_projector.linear_1.'));
  const again = proj1.map((tensor) => ({
    ...tensor,
    name: tensor.name.replace('multi_modal_projector.linear_1', 'audio_tower.proj1'),
  }));
  writeDemoCopy(directory, [...hf, ...again]);
  await assert.rejects(readModelDirectory(directory), oneLineError('model', /are the same weight/));
});

test('opens weights as told, and gives them back on success and on failure', async (t) => {
  const directory = temporaryDirectory(t);
  writeShards(directory, (name) => name);
  const open = new Set<string>();
  const openFile: OpenFile = async (path, signal) => {
    open.add(path);
    return { ...(await readFileBytes(path, signal)), release: () => open.delete(path) };
  };
  const files = await readModelDirectory(directory, openFile);
  assert.deepEqual([...open].sort(), [join(directory, 'a.safetensors'), join(directory, 'b.safetensors')]);
  files.release();
  assert.equal(open.size, 0);
  writeFileSync(join(directory, 'b.safetensors'), 'broken');
  await assert.rejects(readModelDirectory(directory, openFile), oneLineError('model', /b\.safetensors/));
  assert.equal(open.size, 0);
  await assert.rejects(
    readModelDirectory(directory, openFile, AbortSignal.abort()),
    oneLineError('aborted', /loading was aborted/),
  );
});

/** The demo model in two shards, a and b, with an index whose entries may be changed. */
function writeShards(directory: string, shardName: (right: string) => unknown): void {
  writeDemoCopy(directory, []);
  rmSync(join(directory, 'model.safetensors'));
  const shards = { 'a.safetensors': tensors.slice(0, 60), 'b.safetensors': tensors.slice(60) };
  const weightMap: Record<string, unknown> = {};
  for (const [fileName, held] of Object.entries(shards)) {
    writeFileSync(join(directory, fileName), safetensorsFile(held));
    for (const { name } of held) weightMap[name] = shardName(fileName);
  }
  writeFileSync(
    join(directory, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: { total_size: 0 }, weight_map: weightMap }),
  );
}
