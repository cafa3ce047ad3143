import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  checkTensorList,
  identifyModel,
  publishedTensors,
  qwen3Asr06B,
} from '../../src/model/publishedModels.js';
import { synthesizeModel } from '../../src/model/synthesizeModel.js';
import {
  type CheckReport,
  checkModelDirectory,
  checkModelFiles,
} from '../../src/transcribe/checkModelDirectory.js';
import { demoTensors, hfName, widenBf16, writeDemoCopy } from '../model/support/demoModel.js';
import { fakeTensors } from '../model/support/fakeTensors.js';
import { oneLineError } from '../model/support/oneLineError.js';
import type { FileTensor } from '../model/support/safetensorsFile.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';
import { demoModelDir } from '../support/projectRoot.js';

const tensors = demoTensors();
const lines = (report: CheckReport) =>
  report.findings.map((finding) => `${finding.severity}: ${finding.message}`);
const problems = (report: CheckReport) => lines(report).filter((line) => /^(error|warning)/.test(line));

test('the demo model passes', async () => {
  const report = await checkModelDirectory(demoModelDir);
  assert.equal(report.passed, true);
  assert.equal(report.published, null);
  assert.deepEqual(problems(report), []);
  const text = lines(report).join('\n');
  assert.match(text, /ok: files: model\.safetensors, config\.json, .*vocab\.json, merges\.txt/);
  assert.match(text, /ok: every tensor a model of 4 encoder layers \(d_model 192\) and 4 decoder layers/);
  assert.match(text, /ok: 1959 vocabulary entries and 8 added tokens, ids up to 1966 of 1967 embedding rows/);
  assert.match(text, /ok: all 5242304 weights are finite/);
  assert.match(text, /note: neither Qwen3-ASR-0\.6B nor Qwen3-ASR-1\.7B/);
});

test('a synthetic model passes, with the published ids as stand-ins', async () => {
  const report = await checkModelFiles(await synthesizeModel({ size: 'tiny', seed: 1 }));
  assert.equal(report.passed, true);
  assert.match(lines(report).join('\n'), /note: the published ids are used for <\|endoftext\|>.*<asr_text>/);
});

async function checkDemo(
  t: Parameters<typeof temporaryDirectory>[0],
  change: (list: FileTensor[], directory: string) => FileTensor[],
): Promise<CheckReport> {
  const directory = temporaryDirectory(t);
  writeDemoCopy(directory, []);
  const changed = change([...tensors], directory);
  const texts = [
    'config.json',
    'generation_config.json',
    'vocab.json',
    'tokenizer_config.json',
    'merges.txt',
  ];
  const kept = new Map(texts.map((name) => [name, readIfPresent(join(directory, name))]));
  writeDemoCopy(directory, changed);
  for (const [name, text] of kept) {
    if (text === null) rmSync(join(directory, name));
    else writeFileSync(join(directory, name), text);
  }
  return checkModelDirectory(directory);
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

test('damaged weights are named', async (t) => {
  const report = await checkDemo(t, (list) =>
    list.map((tensor) => {
      if (tensor.name !== 'thinker.model.layers.1.mlp.up_proj.weight') return tensor;
      const bytes = tensor.bytes.slice();
      bytes.set([0xc0, 0x7f], 2 * 1234); // bf16 NaN
      bytes.set([0x80, 0xff], 2 * 5000); // bf16 -infinity
      return { ...tensor, bytes };
    }),
  );
  assert.equal(report.passed, false);
  assert.deepEqual(problems(report), [
    'error: tensor thinker.model.layers.1.mlp.up_proj.weight: 2 values are not finite, the first at element 1234',
  ]);
});

test('many damaged tensors are counted, not all named', async (t) => {
  const report = await checkDemo(t, (list) =>
    list.map((tensor) => ({ ...tensor, bytes: tensor.bytes.map(() => 0xff) })),
  );
  assert.equal(problems(report).length, 11);
  assert.match(problems(report).at(-1) ?? '', /113 more tensors/);
});

test('missing tensors, wrong shapes and contradictions are errors', async (t) => {
  const missing = await checkDemo(t, (list) =>
    list.filter((tensor) => tensor.name !== 'thinker.audio_tower.ln_post.bias'),
  );
  assert.match(problems(missing).join(), /^error: .*thinker\.audio_tower\.ln_post\.bias is missing$/);
  const contradiction = await checkDemo(t, (list, directory) => {
    const path = join(directory, 'config.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"head_dim": 64', '"head_dim": 32'));
    return list;
  });
  assert.match(
    problems(contradiction).join(),
    /^error: .*head_dim: expected 64 as in the tensors, found 32$/,
  );
});

test('tensors of other layouts and dtypes are described', async (t) => {
  const hf = await checkDemo(t, (list) =>
    list.map((tensor) => ({
      ...tensor,
      name: hfName(tensor.name),
      dtype: 'F32',
      bytes: widenBf16(tensor.bytes),
    })),
  );
  assert.equal(hf.passed, true);
  assert.match(
    lines(hf).join('\n'),
    /ok: dtypes: 123 F32\n(.*\n)*note: tensors are named as in -hf checkpoints/,
  );
  const extra = await checkDemo(t, (list) => [
    ...list,
    { name: 'thinker.visual.x', dtype: 'I8', shape: [1], bytes: new Uint8Array(1) },
  ]);
  assert.equal(extra.passed, true);
  assert.match(problems(extra).join(), /^warning: 1 tensors are no part of the model.*"thinker\.visual\.x"$/);
});

test('an end token that no row of the embedding belongs to is a warning', async (t) => {
  const report = await checkDemo(t, (list, directory) => {
    writeFileSync(join(directory, 'generation_config.json'), '{"eos_token_id":[1961,1967]}');
    return list;
  });
  assert.equal(report.passed, true);
  assert.match(problems(report).join(), /^warning: .*eos_token_id: expected ids below 1967, found 1967$/);
});

const vocabularyChanges: [what: string, file: string, from: RegExp, to: string, expected: RegExp][] = [
  [
    'an id beyond the embedding',
    'vocab.json',
    /"Ā": 0,/,
    '"Ā": 1967,',
    /error: .*expected ids below .*1967 rows, found 1967/,
  ],
  [
    'an id of text',
    'vocab.json',
    /"Ā": 0,/,
    '"Ā": "0",',
    /error: .*vocab\.json: entry "Ā": expected an id, found "0"/,
  ],
  ['a shared id', 'vocab.json', /"Ā": 0,/, '"Ā": 1,', /error: id 1 belongs to "Ā" and to "ā"/],
  ['no newline', 'vocab.json', /"Ċ": 10, /, '', /error: the vocabulary lacks "Ċ"/],
  ['no JSON', 'vocab.json', /^\{/, '', /error: .*vocab\.json: not JSON/],
  [
    'another id for the audio token',
    'tokenizer_config.json',
    /"1964": \{/,
    '"900": {',
    /error: <\|audio_pad\|>: config\.json says id 1964, the tokenizer's files say 900/,
  ],
  ['no <asr_text>', 'tokenizer_config.json', /<asr_text>/, 'other', /error: .*no id for <asr_text>$/m],
];
for (const [what, file, from, to, expected] of vocabularyChanges) {
  test(`finds ${what} in ${file}`, async (t) => {
    const report = await checkDemo(t, (list, directory) => {
      const text = readFileSync(join(directory, file), 'utf8');
      assert.match(text, from);
      writeFileSync(join(directory, file), text.replace(from, to));
      return list;
    });
    assert.equal(report.passed, false);
    assert.match(lines(report).join('\n'), expected);
  });
}

test('absent optional files are a warning or a note', async (t) => {
  const report = await checkDemo(t, (list, directory) => {
    rmSync(join(directory, 'merges.txt'));
    rmSync(join(directory, 'config.json'));
    return list;
  });
  assert.equal(report.passed, true);
  assert.match(lines(report).join('\n'), /note: no config\.json/);
  assert.match(problems(report).join(), /^warning: no merges\.txt or tokenizer\.json/);
});

test('merges of what is no part of the vocabulary are an error that names the line', async (t) => {
  const withMerges = (text: string) =>
    checkDemo(t, (list, directory) => {
      writeFileSync(join(directory, 'merges.txt'), text);
      return list;
    });
  for (const text of ['#version: 0.2\nzz qq\n', '#version: 0.2\na b c\n', '#version: 0.2\n# #\n\n\nĠ t\n']) {
    const report = await withMerges(text);
    assert.equal(report.passed, false);
    assert.match(
      problems(report).join(),
      /^error: .*merges\.txt line 2: expected two pieces of the vocabulary/,
    );
  }
  assert.equal((await withMerges('#version: 0.2\n')).passed, true);
});

test('a directory that is no model gives a finding; one that is not there, an error', async (t) => {
  const directory = temporaryDirectory(t);
  const report = await checkModelDirectory(directory);
  assert.equal(report.passed, false);
  assert.match(lines(report).join(), /^error: .*expected a \*\.safetensors file, found none$/);
  await assert.rejects(checkModelDirectory(join(directory, 'absent')), oneLineError('file', /no such file/));
});

test('compares with the published lists', () => {
  const list = publishedTensors(qwen3Asr06B);
  const check = (changed: Parameters<typeof fakeTensors>[0]) => {
    const fake = fakeTensors(changed);
    return checkTensorList(fake, identifyModel(fake)).map(
      ({ severity, message }) => `${severity}: ${message}`,
    );
  };
  assert.deepEqual(check(list), [
    'ok: dtypes: 612 BF16',
    'ok: this is Qwen3-ASR-0.6B: the names and shapes of its 612 tensors agree',
  ]);
  const damaged = list
    .filter((tensor) => tensor.name !== 'thinker.model.norm.weight')
    .map((tensor, index) => (index === 0 ? { ...tensor, shape: [480, 1, 5, 5] } : tensor));
  assert.deepEqual(check([...damaged, { name: 'thinker.model.layers.28.x', shape: [1] }]), [
    'ok: dtypes: 612 BF16',
    'warning: unlike Qwen3-ASR-0.6B: tensor thinker.audio_tower.conv2d1.weight: expected shape [480, 1, 3, 3], found [480, 1, 5, 5]',
    'warning: unlike Qwen3-ASR-0.6B: tensor thinker.model.norm.weight is missing',
    'warning: unlike Qwen3-ASR-0.6B: tensor "thinker.model.layers.28.x" is not in its list',
  ]);
  const half = check(list.slice(0, 400));
  assert.match(half.at(-1) ?? '', /warning: unlike Qwen3-ASR-0\.6B: \d+ more differences/);
});
