import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import type { QwenAsrError } from '../../src/error.js';
import { type PulledModel, type PullOptions, pullModel } from '../../src/hub/pullModel.js';
import { etagOf, gitSha1, LocalHub, sendRange, sha256 } from './support/localHub.js';

const NAME = 'Qwen/Qwen3-ASR-0.6B';
const WEIGHTS = Buffer.alloc(100_000, 'weights of no model, ');
const FILES = {
  'model.safetensors': WEIGHTS,
  'config.json': '{"model_type": "qwen3_asr"}\n',
  'vocab.json': '{}',
  'merges.txt': '#version: 0.2\n',
  'chat_template.jinja': '{{ messages }}',
  LICENSE: 'Apache-2.0',
  // Not for us:
  'README.md': '# A model',
  'pytorch_model.bin': 'pickle',
  '.gitattributes': '*.safetensors filter=lfs',
  'onnx/model.safetensors': 'another format',
};
const FETCHED = Object.keys(FILES).slice(0, 6);

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-hub-'));
const hub = await LocalHub.start();
after(() => {
  hub.stop();
  rmSync(scratch, { recursive: true });
});
afterEach(() => {
  hub.onHub = () => false;
  hub.onCdn = () => false;
  hub.requests.length = 0;
});

let caches = 0;
const newCache = () => join(scratch, `cache${caches++}`);
const repositoryOf = (cache: string) => join(cache, 'models--Qwen--Qwen3-ASR-0.6B');

function pull(cache: string, more: Partial<PullOptions> = {}, settings = {}): Promise<PulledModel> {
  return pullModel(hub.settings(cache, settings), {
    repository: NAME,
    patience: { retries: 2, retryDelayMs: 1, silenceMs: 10_000 },
    ranges: { rangeBytes: 10_000, connections: 3 },
    ...more,
  });
}

/** What a task gives while nothing in a folder can be changed, not even by root. */
async function readOnly<T>(folder: string, task: () => Promise<T>): Promise<T> {
  const setMode = (path: string, mode: number): void => {
    chmodSync(path, mode);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) setMode(join(path, entry.name), mode);
    }
  };
  const { geteuid, seteuid } = process;
  const isRoot = geteuid?.() === 0;
  chmodSync(scratch, 0o755);
  setMode(folder, 0o555);
  if (isRoot) seteuid?.(65534);
  try {
    return await task();
  } finally {
    if (isRoot) seteuid?.(0);
    setMode(folder, 0o755);
  }
}

function namesBelow(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[]).sort();
}

/** The error's line, when nothing of the model can be found afterwards. */
async function failure(cache: string, more: Partial<PullOptions> = {}, settings = {}): Promise<string> {
  const error = await pull(cache, more, settings).then(
    () => assert.fail('the pull went through'),
    (error: QwenAsrError) => error,
  );
  assert.equal(error.name, 'QwenAsrError', error.stack);
  assert.ok(!error.message.includes('\n'));
  assert.ok(!existsSync(join(repositoryOf(cache), 'snapshots')), 'a snapshot names what did not come');
  assert.ok(!existsSync(join(repositoryOf(cache), 'refs')));
  return error.message;
}

const serve =
  (status: number, headers: Record<string, string>, body: string | Buffer = '') =>
  (_: unknown, response: ServerResponse): boolean => {
    response.writeHead(status, headers).end(body);
    return true;
  };

test('the cache is laid out as the hub’s own client does', async () => {
  const cache = newCache();
  const commit = hub.publish(NAME, FILES);
  const { path, fetchedBytes } = await pull(cache);
  const folder = repositoryOf(cache);
  assert.equal(path, join(folder, 'snapshots', commit));
  assert.deepEqual(readdirSync(path).sort(), [...FETCHED].sort());
  assert.equal(readFileSync(join(folder, 'refs', 'main'), 'utf8'), commit);
  assert.equal(readlinkSync(join(path, 'model.safetensors')), join('..', '..', 'blobs', sha256(WEIGHTS)));
  // As `git hash-object` says of this text.
  assert.equal(gitSha1(Buffer.from('hello world\n')), '3b18e512dba79e4c8300dd08aeb37f8e728b8dad');
  assert.equal(readlinkSync(join(path, 'vocab.json')), join('..', '..', 'blobs', gitSha1(Buffer.from('{}'))));
  for (const name of FETCHED) {
    assert.deepEqual(readFileSync(join(path, name)), Buffer.from(FILES[name as keyof typeof FILES]));
  }
  assert.equal(readdirSync(join(folder, 'blobs')).length, FETCHED.length);
  assert.equal(
    fetchedBytes,
    FETCHED.reduce((sum, name) => sum + Buffer.from(FILES[name as keyof typeof FILES]).length, 0),
  );
  // Everything came from the commit that the answer named.
  const resolved = hub.requests.filter(({ path: asked }) => asked.includes('/resolve/'));
  assert.ok(resolved.every(({ path: asked }) => asked.includes(`/resolve/${commit}/`)));
  // A second pull asks what `main` is, and no more.
  hub.requests.length = 0;
  assert.equal((await pull(cache)).fetchedBytes, 0);
  assert.equal(hub.requests.length, 1);
});

test('a large file comes in ranges, several at once', async () => {
  let [open, most] = [0, 0];
  hub.onCdn = (request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      sendRange(WEIGHTS, etagOf(WEIGHTS), request, response);
    }, 20);
    return true;
  };
  hub.publish(NAME, FILES);
  await pull(newCache());
  const ranges = hub.downloads.map(({ headers }) => headers.range);
  assert.equal(ranges.length, 10);
  assert.equal(new Set(ranges).size, 10);
  assert.equal(most, 3);
  // All but the first belong to what the first one was from.
  assert.ok(hub.downloads.slice(1).every(({ headers }) => headers['if-range'] === etagOf(WEIGHTS)));
});

test('what is cut is gone on with; a server that sends no more is given up', async () => {
  let cuts = 3;
  const cut = (request: Parameters<typeof hub.onCdn>[0], response: ServerResponse): boolean => {
    if (cuts-- <= 0) return false;
    const [, first = '0', last = '0'] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(first), Number(last) + 1];
    response.writeHead(206, {
      'content-range': `bytes ${start}-${end - 1}/${WEIGHTS.length}`,
      'content-length': end - start,
    });
    response.write(WEIGHTS.subarray(start, start + 4000), () => response.destroy());
    return true;
  };
  hub.publish(NAME, FILES);
  hub.onCdn = cut;
  const cache = newCache();
  await pull(cache);
  assert.ok(hub.downloads.some(({ headers }) => headers.range === 'bytes=4000-9999'));
  hub.onCdn = (_, response) => {
    response.destroy();
    return true;
  };
  assert.match(await failure(newCache()), /^127\.0\.0\.1:\d+: the connection was closed$/);
});

test('a hub that does not answer is asked as often as patience says', async () => {
  hub.onHub = serve(503, { 'retry-after': '0' });
  assert.match(await failure(newCache()), /status 503, the server is busy/);
  assert.equal(hub.requests.length, 3);
});

test('branches, tags and commits have names of their own, and come from their commit', async (t) => {
  const commit = hub.publish(NAME, FILES);
  const cache = newCache();
  const refs = join(repositoryOf(cache), 'refs');
  hub.revisions.add('refs/pr/7');
  t.after(() => hub.revisions.delete('refs/pr/7'));
  await pull(cache, { revision: 'refs/pr/7' });
  assert.equal(hub.requests[0]?.path, `/api/models/${NAME}/revision/refs%2Fpr%2F7?blobs=true`);
  assert.equal(readFileSync(join(refs, 'refs', 'pr', '7'), 'utf8'), commit);
  assert.ok(!existsSync(join(refs, 'main')));
  hub.requests.length = 0;
  assert.equal((await pull(cache, { revision: commit })).commit, commit);
  assert.equal(hub.requests[0]?.path, `/api/models/${NAME}/revision/${commit}?blobs=true`);
  assert.deepEqual(readdirSync(refs), ['refs']);
  assert.match(await failure(newCache(), { revision: 'v9' }), /: no such revision \(v9\)$/);
  hub.onHub = serve(200, {}, JSON.stringify({ sha: commit, siblings: [] }));
  const another = 'b'.repeat(40);
  const message = await failure(newCache(), { revision: another });
  assert.match(message, new RegExp(`: expected commit ${another}, found ${commit}$`));
});

test('an interrupted pull goes on, unless the file has changed since', async (t) => {
  hub.publish(NAME, FILES);
  const etag = etagOf(WEIGHTS);
  const interrupted = async (): Promise<string> => {
    const cache = newCache();
    let served = 0;
    hub.onCdn = (request, response) => {
      if (served++ < 5) sendRange(WEIGHTS, etag, request, response);
      else response.destroy();
      return true;
    };
    await failure(cache);
    await hub.deserted();
    hub.onCdn = () => false;
    hub.requests.length = 0;
    return cache;
  };
  await t.test('only what is missing is asked for', async () => {
    const cache = await interrupted();
    await pull(cache);
    assert.equal(hub.downloads.length, 5);
    assert.ok(hub.downloads.every(({ headers }) => headers['if-range'] === etag));
  });
  await t.test('a 200 for a 206 starts anew', async () => {
    const cache = await interrupted();
    hub.onCdn = (request, response) => {
      sendRange(WEIGHTS, '"another"', request, response);
      return true;
    };
    const { path } = await pull(cache);
    // One shows that the file is another; a connection that the server closed when it broke off may cost another.
    const wasted = hub.downloads.length - 10;
    assert.ok(wasted >= 1 && wasted <= 3, `${wasted} requests more than its ten ranges`);
    assert.deepEqual(readFileSync(join(path, 'model.safetensors')), WEIGHTS);
  });
  await t.test('bytes that were changed meanwhile are noticed and come again', async () => {
    const cache = await interrupted();
    const own = join(repositoryOf(cache), '.qwen-asr');
    const part = readdirSync(own).find((name) => name.endsWith('.part'))!;
    const bytes = readFileSync(join(own, part));
    bytes[5] = 0;
    writeFileSync(join(own, part), bytes);
    await pull(cache);
    assert.equal(hub.downloads.length, 5 + 10);
  });
  await t.test('a damaged journal starts anew', async () => {
    const cache = await interrupted();
    const own = join(repositoryOf(cache), '.qwen-asr');
    const journal = readdirSync(own).find((name) => name.endsWith('.journal'))!;
    writeFileSync(join(own, journal), '{"sizeBytes": 100000, "validator": null, "done": [[0, 999999]]}');
    await pull(cache);
    assert.equal(hub.downloads.length, 10);
  });
});

test('a server without ranges sends the file as a whole', async () => {
  hub.onCdn = serve(200, { 'content-length': String(WEIGHTS.length) }, WEIGHTS);
  hub.publish(NAME, FILES);
  const { path } = await pull(newCache());
  assert.deepEqual(readFileSync(join(path, 'model.safetensors')), WEIGHTS);
});

test('an address that has expired is asked for again', async () => {
  hub.publish(NAME, FILES);
  let served = 0;
  hub.onCdn = () => {
    if (++served === 4) hub.signature++;
    return false;
  };
  await pull(newCache());
  const asked = hub.requests.filter(({ path }) => /\/resolve\/.*safetensors$/.test(path));
  assert.ok(asked.length > 1 && asked.length < 8, `asked ${asked.length} times`);
});

test('wrong answers are errors, and no snapshot names them', async (t) => {
  const commit = hub.publish(NAME, FILES);
  const answer = (change: (document: { sha: unknown; siblings: unknown }) => unknown) => {
    const file = (rfilename: string, more: object = {}) => ({
      rfilename,
      size: 2,
      blobId: gitSha1(Buffer.from('{}')),
      ...more,
    });
    const lfs = { sha256: sha256(WEIGHTS), size: WEIGHTS.length };
    const siblings = [file('vocab.json'), file('model.safetensors', { size: WEIGHTS.length, lfs })];
    hub.onHub = (request, response) => {
      if (!request.url?.startsWith('/api/')) return false;
      return serve(
        200,
        { 'content-type': 'application/json' },
        JSON.stringify(change({ sha: commit, siblings })),
      )(request, response);
    };
    return { file, siblings };
  };
  const hostile = (name: string, size: unknown = 2, blobId: unknown = 'a'.repeat(40)) =>
    answer((document) => ({
      ...document,
      siblings: [...(document.siblings as object[]), { rfilename: name, size, blobId }],
    }));
  const revised = (more: object) => () => void answer((document) => ({ ...document, ...more }));
  const cases: readonly (readonly [what: string, prepare: () => void, message: RegExp])[] = [
    [
      'another file',
      () => (hub.onCdn = serve(206, { 'content-range': 'bytes 0-9999/100000' }, Buffer.alloc(10_000))),
      /expected SHA-256 [0-9a-f]{64}, found|expected bytes/,
    ],
    [
      'more than was asked for',
      () => (hub.onCdn = serve(206, { 'content-range': 'bytes 0-9999/100000' }, WEIGHTS)),
      /expected 10000 bytes, found/,
    ],
    [
      'another range',
      () => (hub.onCdn = serve(206, { 'content-range': 'bytes 5-10004/100000' }, Buffer.alloc(10_000))),
      /expected bytes 0-9999\/100000, found bytes 5/,
    ],
    [
      'another length',
      () => (hub.onCdn = serve(206, { 'content-range': 'bytes 0-9999/200000' }, Buffer.alloc(10_000))),
      /expected bytes 0-9999\/100000, found/,
    ],
    [
      'a page instead of the file',
      () => (hub.onCdn = serve(200, { 'content-type': 'text/html' }, '<html>')),
      /model\.safetensors: expected the file, found a web page; is a proxy/,
    ],
    [
      'a page instead of the answer',
      () => (hub.onHub = serve(200, { 'content-type': 'text/html' }, '<html>')),
      /expected the hub's answer in JSON, found a web page; is a proxy/,
    ],
    [
      'compressed bytes',
      () =>
        (hub.onCdn = serve(206, { 'content-encoding': 'gzip', 'content-range': 'bytes 0-9999/100000' }, 'x')),
      /found them in gzip/,
    ],
    [
      'half an answer',
      () => (hub.onHub = serve(200, { 'content-type': 'application/json' }, '{"sha": "')),
      /expected the hub's answer in JSON/,
    ],
    ['no commit', revised({ sha: '../../x' }), /expected a commit/],
    ['no files', revised({ siblings: {} }), /expected a list of files/],
    ['a path upwards', () => hostile('../../x.json'), /a part that is \.\./],
    ['an absolute path', () => hostile('/etc/x.json'), /an absolute path/],
    ['a backslash', () => hostile('..\\x.json'), /a backslash/],
    ['a drive', () => hostile('c:x.json'), /may not have everywhere/],
    ['a zero character', () => hostile('x\0.json'), /a control character/],
    ['an odd size', () => hostile('x.json', -1), /the size of "x.json"/],
    ['no hash', () => hostile('x.json', 2, '../../../x'), /the SHA-1 of "x.json"/],
    ['a name twice', () => hostile('Vocab.json'), /"Vocab.json" once/],
    [
      'weights missing',
      revised({ siblings: [{ rfilename: 'vocab.json', size: 2, blobId: 'a'.repeat(40) }] }),
      /expected a \*\.safetensors file, found none/,
    ],
    [
      'a vocabulary missing',
      () => void answer((document) => ({ ...document, siblings: (document.siblings as object[]).slice(1) })),
      /expected vocab\.json or tokenizer\.json, found neither/,
    ],
    [
      'another hash in the headers',
      () => (hub.onHub = linked({ 'x-linked-etag': '"beef"', 'x-linked-size': '100000' })),
      /expected x-linked-etag [0-9a-f]{64}, found beef/,
    ],
    [
      'another size in the headers',
      () => (hub.onHub = linked({ 'x-linked-size': '1' })),
      /expected x-linked-size 100000, found 1/,
    ],
    [
      'another commit in the headers',
      () => (hub.onHub = linked({ 'x-repo-commit': 'b'.repeat(40) })),
      /expected x-repo-commit/,
    ],
    ['no address to go on at', () => (hub.onHub = linked({})), /expected an address to go on at/],
    [
      'a circle',
      () => (hub.onHub = linked({ location: `/${NAME}/resolve/${commit}/model.safetensors` })),
      /more than 10 redirections/,
    ],
    [
      'an address of another kind',
      () => (hub.onHub = linked({ location: 'file:///etc/passwd' })),
      /expected an https address/,
    ],
    [
      'access that is refused',
      () => (hub.onHub = serve(403, { 'x-error-code': 'GatedRepo' })),
      /access is restricted; .*HF_TOKEN/,
    ],
    ['a busy server', () => (hub.onHub = serve(503, {})), /status 503, the server is busy/],
  ];
  function linked(headers: Record<string, string>) {
    return (request: { readonly url?: string | undefined }, response: ServerResponse): boolean => {
      if (!/resolve.*safetensors$/.test(request.url ?? '')) return false;
      return serve(302, headers)(request, response);
    };
  }
  for (const [what, prepare, message] of cases) {
    await t.test(what, async () => {
      hub.onHub = () => false;
      hub.onCdn = () => false;
      prepare();
      assert.match(await failure(newCache()), message);
    });
  }
});

test('a small file is held against the SHA-1 of git, and may be empty', async () => {
  hub.publish(NAME, { ...FILES, 'merges.txt': '' });
  hub.onHub = (request, response) => {
    return /\/resolve\/.*vocab\.json$/.test(request.url ?? '') && serve(200, {}, '[]')(request, response);
  };
  const [right, wrong] = [gitSha1(Buffer.from('{}')), gitSha1(Buffer.from('[]'))];
  const cache = newCache();
  assert.equal(
    await failure(cache),
    `${NAME}: vocab.json: expected git's SHA-1 ${right}, found ${wrong}; what came in was deleted`,
  );
  hub.onHub = () => false;
  const { path } = await pull(cache);
  assert.deepEqual(readFileSync(join(path, 'merges.txt'), 'utf8'), '');
});

test('what a pull has no use for may have any honest name', async () => {
  hub.publish(NAME, { ...FILES, 'why?.png': 'picture', 'notes /aux.md': 'text' });
  const { path } = await pull(newCache());
  assert.deepEqual(readdirSync(path).sort(), [...FETCHED].sort());
});

test('a wrong hash deletes what came in', async () => {
  const damaged = Buffer.from(WEIGHTS);
  damaged[50_000] = 1;
  hub.publish(NAME, FILES);
  hub.onCdn = (request, response) => {
    sendRange(damaged, '"same"', request, response);
    return true;
  };
  const cache = newCache();
  const message = await failure(cache);
  const expected = `expected SHA-256 ${sha256(WEIGHTS)}, found ${sha256(damaged)}; what came in was deleted`;
  assert.equal(message, `${NAME}: model.safetensors: ${expected}`);
  const left = readdirSync(join(repositoryOf(cache), '.qwen-asr'));
  assert.deepEqual(
    left.filter((name) => !name.endsWith('.checked')),
    [],
  );
  hub.onCdn = () => false;
  await pull(cache);
});

test('the token goes to the hub alone', async () => {
  hub.publish(NAME, FILES);
  await pull(newCache(), {}, { token: 'hf_secret' });
  const [atHub, elsewhere] = [hub.requests.filter(({ server }) => server === 'hub'), hub.downloads];
  assert.ok(atHub.length > 1 && atHub.every(({ headers }) => headers.authorization === 'Bearer hf_secret'));
  assert.ok(elsewhere.length > 0 && elsewhere.every(({ headers }) => headers.authorization === undefined));
});

test('blobs of another program are hashed once, and fetched again when they are damaged', async () => {
  const cache = newCache();
  hub.publish(NAME, FILES);
  const blobs = join(repositoryOf(cache), 'blobs');
  mkdirSync(blobs, { recursive: true });
  writeFileSync(join(blobs, sha256(WEIGHTS)), WEIGHTS);
  // A whole second, which every system can set again.
  utimesSync(join(blobs, sha256(WEIGHTS)), 1e9, 1e9);
  await pull(cache);
  assert.equal(hub.downloads.length, 0);
  // What has the same size and time is not looked at again; another time is another file.
  const damaged = Buffer.from(WEIGHTS);
  damaged[7] = 0;
  writeFileSync(join(blobs, sha256(WEIGHTS)), damaged);
  utimesSync(join(blobs, sha256(WEIGHTS)), 1e9, 1e9);
  assert.equal((await pull(cache)).fetchedBytes, 0);
  utimesSync(join(blobs, sha256(WEIGHTS)), 2e9, 2e9);
  const notes: string[] = [];
  const { path } = await pull(cache, { onNote: (note) => notes.push(note) });
  assert.equal(hub.downloads.length, 10);
  assert.match(notes.join(), /not what its name says; it is fetched again/);
  assert.deepEqual(readFileSync(join(path, 'model.safetensors')), WEIGHTS);
});

test('where links are forbidden the snapshot has the files themselves', async () => {
  const cache = newCache();
  hub.publish(NAME, FILES);
  const makeLink = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, symlink'), { code: 'EPERM' });
  };
  const { path } = await pull(cache, { makeLink });
  assert.ok(lstatSync(join(path, 'model.safetensors')).isFile());
  assert.deepEqual(readdirSync(join(repositoryOf(cache), 'blobs')), []);
  hub.requests.length = 0;
  assert.equal((await pull(cache, { makeLink })).fetchedBytes, 0);
  assert.equal(hub.requests.length, 1);
});

test('two files with the same bytes come once, with links and without', async () => {
  const twin = { ...FILES, 'added_tokens.json': FILES['vocab.json'] };
  hub.publish(NAME, twin);
  const forbidden = () => {
    throw Object.assign(new Error('EPERM: operation not permitted, symlink'), { code: 'EPERM' });
  };
  const cases: readonly Partial<PullOptions>[] = [{}, { makeLink: forbidden }];
  for (const more of cases) {
    const cache = newCache();
    hub.requests.length = 0;
    const { path } = await pull(cache, more);
    for (const name of ['vocab.json', 'added_tokens.json'])
      assert.equal(readFileSync(join(path, name), 'utf8'), '{}', name);
    const asked = hub.requests.filter((request) => /vocab\.json|added_tokens/.test(request.path));
    assert.equal(asked.length, 1);
    assert.equal((await pull(cache, more)).fetchedBytes, 0);
  }
});

test('where links are forbidden now, what another snapshot links to stays', async () => {
  const cache = newCache();
  hub.publish(NAME, FILES);
  const first = await pull(cache);
  hub.publish(NAME, { ...FILES, LICENSE: 'MIT' });
  const makeLink = () => {
    throw Object.assign(new Error('ENOSYS: no links'), { code: 'ENOSYS' });
  };
  const second = await pull(cache, { makeLink });
  for (const { path } of [first, second])
    assert.deepEqual(readFileSync(join(path, 'model.safetensors')), WEIGHTS);
});

test('a disk that is too small is noticed before anything comes', async () => {
  hub.publish(NAME, FILES);
  const message = await failure(newCache(), { freeBytes: () => 60_000 });
  assert.match(message, /expected 0\.07 GB of free space, found 0\.00 GB; HF_HUB_CACHE/);
  assert.equal(hub.requests.length, 1);
});

test('a disk that becomes full is said in one line, and what came is gone on with', async (t) => {
  hub.publish(NAME, FILES);
  const cache = newCache();
  const probe = await open(process.execPath);
  const handle = Object.getPrototypeOf(probe);
  await probe.close();
  const { write } = handle;
  let writes = 0;
  t.mock.method(handle, 'write', async function (this: unknown, ...args: readonly unknown[]) {
    // The five small files, and some of the weights.
    if (++writes > 10) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' });
    return write.apply(this, args);
  });
  assert.match(await failure(cache), /^\S+\.part: no space left on the disk$/);
  t.mock.restoreAll();
  const own = join(repositoryOf(cache), '.qwen-asr');
  const part = readdirSync(own).find((name) => name.endsWith('.part')) ?? assert.fail('nothing was kept');
  assert.ok(statSync(join(own, part)).size > 0);
  hub.requests.length = 0;
  await pull(cache);
  assert.ok(hub.downloads.length < 10, `asked ${hub.downloads.length} times`);
});

test('a state that nobody asks for any more takes no space', async () => {
  hub.publish(NAME, FILES);
  const cache = newCache();
  let served = 0;
  hub.onCdn = (_, response) => {
    if (served++ < 5) return false;
    response.destroy();
    return true;
  };
  await failure(cache);
  const own = join(repositoryOf(cache), '.qwen-asr');
  const unfinished = () => readdirSync(own).filter((name) => !name.endsWith('.checked')).length;
  assert.equal(unfinished(), 2);
  hub.onCdn = () => false;
  hub.publish(NAME, { ...FILES, 'model.safetensors': 'other weights' });
  await pull(cache);
  assert.equal(unfinished(), 0);
});

test('a cache that cannot be written is said in one line', {
  skip: !existsSync('/proc/self') && 'no /proc',
}, async () => {
  hub.publish(NAME, FILES);
  const message = await failure('/proc/nothing');
  assert.match(message, /^\/proc\/nothing.*: no directory can be made there; .* is missing$/);
});

test('a read-only cache with the whole model is enough; what it lacks is said in one line', {
  skip: process.platform === 'win32' && 'folders of Windows take files whatever their mode is',
}, async () => {
  const cache = newCache();
  const commit = hub.publish(NAME, FILES);
  await pull(cache);
  const repository = repositoryOf(cache);
  rmSync(join(repository, '.qwen-asr'), { recursive: true }); // as another program would have left it
  const before = namesBelow(cache);
  const [message, found] = await readOnly(cache, async () => {
    hub.requests.length = 0;
    const pulled = await pull(cache);
    assert.equal(hub.downloads.length, 0);
    hub.publish(NAME, { ...FILES, 'generation_config.json': '{}' });
    const error = await pull(cache).catch((reason: QwenAsrError) => reason);
    return [error instanceof Error ? error.message : 'the pull went through', pulled] as const;
  });
  assert.deepEqual([found.commit, found.fetchedBytes], [commit, 0]);
  assert.match(message, /cache\d+.*: permission denied; \S+ of Qwen\/Qwen3-ASR-0\.6B is missing$/);
  assert.deepEqual(namesBelow(cache), before);
});

test('two at once fetch everything once', async () => {
  const cache = newCache();
  hub.publish(NAME, FILES);
  const notes: string[] = [];
  const both = await Promise.all([pull(cache), pull(cache, { onNote: (note) => notes.push(note) })]);
  assert.equal(hub.downloads.length, 10);
  assert.deepEqual(
    both.map(({ fetchedBytes }) => fetchedBytes > 0),
    [true, false],
  );
  assert.match(notes.join(), /waiting for process/);
});

test('offline nothing is asked, and what is there is enough', async () => {
  const cache = newCache();
  const commit = hub.publish(NAME, FILES);
  assert.match(
    await failure(cache, {}, { offline: true }),
    /not in .*, and HF_HUB_OFFLINE keeps from fetching/,
  );
  await pull(cache);
  hub.requests.length = 0;
  assert.equal((await pull(cache, {}, { offline: true })).commit, commit);
  assert.equal(hub.requests.length, 0);
});

test('a proxy that fails is named, without its password', async () => {
  const proxied: string[] = [];
  const { createServer } = await import('node:http');
  const proxy = createServer().on('connect', (request, socket) => {
    proxied.push(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as { port: number };
  const message = await failure(
    newCache(),
    {},
    {
      endpoint: new URL('https://hub.invalid'),
      proxy: { httpProxy: null, httpsProxy: new URL(`http://me:word@127.0.0.1:${port}`), noProxy: [] },
    },
  );
  proxy.close();
  assert.equal(proxied[0], 'hub.invalid:443');
  assert.match(message, /^hub\.invalid \(through the proxy 127\.0\.0\.1:\d+\): /);
  assert.ok(!message.includes('word'));
});
