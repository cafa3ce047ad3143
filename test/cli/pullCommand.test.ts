import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pullCommand } from '../../src/cli/hubCommands.js';
import { tryToLock } from '../../src/model/fileLock.js';
import { LocalHub } from '../hub/support/localHub.js';
import { demoModelDir, projectRoot } from '../support/projectRoot.js';
import { runHere } from '../support/runHere.js';

const NAMES = ['config.json', 'generation_config.json', 'merges.txt', 'model.safetensors', 'vocab.json'];
const NAMES_OF_DEMO = [...NAMES, 'tokenizer_config.json', 'preprocessor_config.json'];
const CLIP = join(projectRoot, 'models', 'demo', 'samples', 'timer-en.wav');
const TEXT = 'Set a timer for seven minutes.\n';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-pull-'));
const hub = await LocalHub.start();
const saved = { ...process.env };
before(() => {
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'HTTP_PROXY', 'http_proxy', 'QWEN_ASR_MODEL'])
    delete process.env[name];
  process.env['HF_ENDPOINT'] = hub.endpoint;
  process.env['HF_TOKEN_PATH'] = join(scratch, 'none');
});
after(() => {
  hub.stop();
  process.env = saved;
  rmSync(scratch, { recursive: true });
});

const demo = Object.fromEntries(NAMES_OF_DEMO.map((name) => [name, readFileSync(join(demoModelDir, name))]));
const aligner = {
  ...demo,
  'config.json': '{"model_type":"qwen3_asr","thinker_config":{"model_type":"qwen3_forced_aligner"}}',
};
const useCache = (name: string): string => {
  process.env['HF_HUB_CACHE'] = join(scratch, name);
  return join(scratch, name);
};
const asr = (...args: string[]) => runHere('qwen_asr', args);

test('from nothing to a text: pull, then a recording', async () => {
  const cache = useCache('newcomer');
  hub.publish('Qwen/Qwen3-ASR-0.6B', demo);
  hub.publish('Qwen/Qwen3-ForcedAligner-0.6B', aligner);
  const none = await asr(CLIP);
  assert.match(
    none.stderr,
    /^error: -d: expected a model directory, found none; `qwen_asr pull 0\.6b` fetches one/,
  );

  const pulled = await asr('pull', '0.6b', 'aligner');
  assert.deepEqual([pulled.code, pulled.stderr], [0, '']);
  assert.match(pulled.stdout, /^0\.6b: .* MB of .* MB fetched: \S+\naligner: .*\n$/);
  assert.deepEqual(readdirSync(cache).sort(), [
    '.locks',
    'models--Qwen--Qwen3-ASR-0.6B',
    'models--Qwen--Qwen3-ForcedAligner-0.6B',
  ]);

  hub.requests.length = 0;
  const folder = join(cache, 'models--Qwen--Qwen3-ASR-0.6B');
  for (const args of [
    [CLIP],
    ['-d', '0.6b', CLIP],
    ['-d', 'Qwen/Qwen3-ASR-0.6B', CLIP],
    ['-d', folder, CLIP],
  ]) {
    assert.deepEqual(await asr(...args), { code: 0, stdout: TEXT, stderr: '' }, args.join(' '));
  }
  const measured = await runHere('qwen_asr_bench', ['-n', '1', '-i', CLIP]);
  assert.deepEqual([measured.code, measured.stderr], [0, '']);
  const checked = await asr('check', '-d', '0.6b');
  assert.match(checked.stdout, /usable \(not a published model\)\n$/);
  assert.equal(hub.requests.length, 0, 'the network was asked');

  const listed = await asr('list');
  assert.match(listed.stdout, /^0\.6b {5,}\d+\.\d MB {2}main [0-9a-f]{8} {2}\S+\naligner .*\n$/);
});

test('the default model: QWEN_ASR_MODEL, 0.6b, the only one, else a list', async () => {
  const cache = useCache('defaults');
  const put = (repository: string, files: Record<string, string | Buffer>) => {
    const folder = join(cache, `models--${repository.replace('/', '--')}`, 'snapshots', 'a'.repeat(40));
    mkdirSync(folder, { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  };
  // As other programs leave them: another kind of model, half a model, the aligner.
  put('someone/bert', {
    'config.json': '{"model_type":"bert"}',
    'model.safetensors': 'x',
    'vocab.json': '{}',
  });
  put('Qwen/Qwen3-ForcedAligner-0.6B', aligner);
  put('Qwen/Qwen3-ASR-0.6B', { 'config.json': demo['config.json']! });
  assert.match((await asr(CLIP)).stderr, /^error: -d: expected a model directory, found none/);
  put('Qwen/Qwen3-ASR-1.7B', demo);
  assert.equal((await asr(CLIP)).stdout, TEXT);
  put('me/my-asr', demo);
  assert.match(
    (await asr(CLIP)).stderr,
    /^error: -d: expected one of them, found several in the hub's cache: 1\.7b, me\/my-asr .*\n$/,
  );
  assert.match(
    (await runHere('qwen_asr_bench', ['-n', '1'])).stderr,
    /^error: -d: expected one of them, .*\n$/,
  );
  put('Qwen/Qwen3-ASR-0.6B', demo);
  assert.equal((await asr(CLIP)).stdout, TEXT);
  // A whole cache means what its models would mean without -d; a repository's folder may end with a slash.
  const repository = join(cache, 'models--me--my-asr');
  for (const folder of [cache, `${repository}/`])
    assert.equal((await asr('-d', folder, CLIP)).stdout, TEXT, folder);
  assert.match(
    (await asr('-d', join(cache, 'models--someone--bert', 'snapshots'), CLIP)).stderr,
    /^error: .*snapshots.*\n$/,
  );
  // What is named comes before 0.6b.
  process.env['QWEN_ASR_MODEL'] = 'models/nowhere-at-all';
  assert.match((await asr(CLIP)).stderr, /^error: QWEN_ASR_MODEL: /);
  delete process.env['QWEN_ASR_MODEL'];
  rmSync(join(cache, 'models--Qwen--Qwen3-ASR-0.6B'), { recursive: true });
  process.env['QWEN_ASR_MODEL'] = 'me/my-asr';
  assert.equal((await asr(CLIP)).stdout, TEXT);
  process.env['QWEN_ASR_MODEL'] = 'models/nowhere-at-all';
  assert.match(
    (await asr(CLIP)).stderr,
    /^error: QWEN_ASR_MODEL: models\/nowhere-at-all: no such model directory\n$/,
  );
  delete process.env['QWEN_ASR_MODEL'];
  assert.match(
    (await asr('-d', '0.6b', CLIP)).stderr,
    /^error: 0\.6b: not in .*; `qwen_asr pull 0\.6b` fetches it\n$/,
  );
});

test('on a terminal it is drawn how far a pull is, and erased in the end', async () => {
  useCache('terminal');
  hub.publish('me/my-asr', demo);
  let [drawn, printed] = ['', ''];
  const code = await pullCommand({
    args: ['me/my-asr'],
    signal: new AbortController().signal,
    out: (text) => {
      printed += text;
    },
    err: (text) => {
      drawn += text;
    },
    outIsTerminal: true,
    errIsTerminal: true,
  });
  assert.equal(code, 0);
  assert.match(drawn, /me\/my-asr: \d.* of \d+\.\d MB/);
  assert.ok(drawn.endsWith('\r\u001b[2K'), 'the line is left there');
  assert.match(printed, /^me\/my-asr: .* fetched: .*\n$/);
});

test('after a second it is drawn how fast a pull is and how long it takes', async () => {
  useCache('slow');
  hub.publish('me/slow-asr', demo);
  const weights = demo['model.safetensors']!;
  hub.onCdn = (_, response) => {
    response.writeHead(200, { 'content-length': weights.length });
    const block = Math.ceil(weights.length / 10);
    const send = (start: number) => {
      response.write(weights.subarray(start, start + block));
      if (start + block >= weights.length) response.end();
      else setTimeout(send, 80, start + block);
    };
    send(0);
    return true;
  };
  let drawn = '';
  try {
    await pullCommand({
      args: ['me/slow-asr'],
      signal: new AbortController().signal,
      out: () => {},
      err: (text) => {
        drawn += text;
      },
      outIsTerminal: true,
      errIsTerminal: true,
    });
  } finally {
    hub.onCdn = () => false;
  }
  assert.match(drawn, /me\/slow-asr: \d+\.\d MB of 10\.\d MB, \d+\.\d MB\/s, 0:0\d left, model\.safetensors/);
});

test('an interrupted pull is listed, and removed', async () => {
  const cache = useCache('interrupted');
  hub.publish('me/half-asr', demo);
  const abort = new AbortController();
  hub.onCdn = (_, response) => {
    response.writeHead(200, { 'content-length': demo['model.safetensors']!.length });
    response.write(demo['model.safetensors']!.subarray(0, 5e6), () => setTimeout(() => abort.abort(), 100));
    return true;
  };
  const context = { out: () => {}, err: () => {}, outIsTerminal: false, errIsTerminal: false };
  try {
    await assert.rejects(pullCommand({ args: ['me/half-asr'], signal: abort.signal, ...context }), {
      code: 'aborted',
    });
  } finally {
    hub.onCdn = () => false;
  }
  const { stdout, stderr } = await asr('list');
  assert.equal(stdout, '');
  const [note, ...others] = stderr.split('\n');
  assert.match(
    note ?? '',
    /^note: me\/half-asr: \d\.\d MB of a pull that has not ended; `qwen_asr pull me\/half-asr` goes on with it$/,
  );
  assert.match(others.join('\n'), /^note: no models in .*\n$/);
  assert.match((await asr('remove', 'me/half-asr')).stdout, /^me\/half-asr: \d\.\d MB removed\n$/);
  assert.ok(!existsSync(join(cache, 'models--me--half-asr')));
});

test('a model that is being fetched is not removed', async () => {
  const cache = useCache('busy');
  hub.publish('me/my-asr', demo);
  await asr('pull', 'me/my-asr');
  const unlock = tryToLock(join(cache, '.locks', 'models--me--my-asr', 'qwen-asr'));
  assert.ok(typeof unlock === 'function');
  const { code, stderr } = await asr('remove', 'me/my-asr');
  unlock();
  assert.equal(
    stderr,
    `error: me/my-asr: expected a model that nobody fetches now, found process ${process.pid} at it\n`,
  );
  assert.equal(code, 1);
  assert.ok(existsSync(join(cache, 'models--me--my-asr', 'snapshots')));
});

test('a folder called like a published model is the folder', async () => {
  useCache('empty');
  const here = process.cwd();
  cpSync(demoModelDir, join(scratch, '0.6b'), { recursive: true });
  try {
    const { namedModel } = await import('../../src/hub/cachedModels.js');
    process.chdir(scratch);
    assert.equal(namedModel('0.6b', process.env), '0.6b');
  } finally {
    process.chdir(here);
  }
});

test('remove keeps what other revisions use', async () => {
  const cache = useCache('remove');
  const old = hub.publish('me/my-asr', demo);
  await asr('pull', 'me/my-asr');
  hub.publish('me/my-asr', { ...demo, 'generation_config.json': '{}' });
  await asr('pull', 'me/my-asr');
  const folder = join(cache, 'models--me--my-asr');
  const before = readdirSync(join(folder, 'blobs')).length;
  const removed = await asr('remove', 'me/my-asr');
  assert.equal(removed.stdout, `me/my-asr: 1 kB removed; still there: ${old} (--revision)\n`);
  assert.equal(readdirSync(join(folder, 'blobs')).length, before - 1);
  assert.deepEqual(await asr('-d', 'me/my-asr', CLIP), { code: 0, stdout: TEXT, stderr: '' });
  const last = await asr('remove', 'me/my-asr', '--revision', old);
  assert.match(last.stdout, /^me\/my-asr: .* MB removed\n$/);
  assert.ok(!existsSync(folder));
  assert.match((await asr('list')).stderr, /^note: no models in .*; `qwen_asr pull 0\.6b` fetches one\n$/);
});

for (const [args, message] of [
  [['pull'], /^error: pull: expected a model such as 0\.6b, found none/],
  [
    ['pull', '0.6'],
    /^error: expected 0\.6b, 1\.7b, aligner, .* or a repository of the hub \(owner\/name\), found "0\.6"\n$/,
  ],
  [
    ['pull', 'a/b', '--revision', '../x'],
    /^error: --revision: expected a branch, tag or commit, found "\.\.\/x"/,
  ],
  [
    ['pull', 'no/such'],
    /^error: 127\.0\.0\.1:\d+: no\/such: no such repository, or one that needs a token \(HF_TOKEN\)\n$/,
  ],
  [
    ['pull', '0.6b', '--revision', 'v9'],
    /^error: 127\.0\.0\.1:\d+: Qwen\/Qwen3-ASR-0\.6B: no such revision \(v9\)\n$/,
  ],
  [['remove', '1.7b'], /^error: Qwen\/Qwen3-ASR-1\.7B: not in .*; qwen_asr list says what is\n$/],
] as const) {
  test(`misuse: ${args.join(' ')}`, async () => {
    useCache('misuse');
    const { code, stdout, stderr } = await asr(...args);
    assert.match(stderr, message);
    assert.deepEqual([code, stdout], [1, '']);
  });
}
