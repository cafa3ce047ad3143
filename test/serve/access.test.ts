import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { sampleForm } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const KEYS = ['first-key', 'second-key'];

let server: TestServer;

before(async () => {
  server = await startServer({ keys: KEYS, hosts: ['speech.example'], origins: ['https://app.example'] });
});

after(() => server.stop());

/** The status of a request whose headers fetch would not send. */
function statusOf(path: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(server.address + path, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    sent.on('error', reject).end();
  });
}

const withKey = (key: string) => ({ authorization: `Bearer ${key}` });

test('one of the keys is needed, but for the page and for health', async () => {
  for (const key of KEYS) assert.equal(await statusOf('/v1/models', withKey(key)), 200);
  for (const headers of [
    {},
    withKey('first-ke'),
    withKey('first-key2'),
    withKey(''),
    { authorization: 'first-key' },
  ]) {
    assert.equal(await statusOf('/v1/models', headers), 401, JSON.stringify(headers));
    assert.equal(await statusOf('/metrics', headers), 401);
  }
  assert.equal(await statusOf('/', {}), 200);
  assert.equal(await statusOf('/health', {}), 200);
  const refused = await fetch(`${server.address}/v1/models`, { headers: withKey('my-secret') });
  assert.doesNotMatch(await refused.text(), /my-secret|first-key/);
});

test('a Host that nobody allowed is a page that lets its name point here', async () => {
  for (const host of ['localhost', 'localhost:8000', '127.0.0.1', '[::1]:8000', 'speech.example:443']) {
    assert.equal(await statusOf('/health', { host }), 200, host);
  }
  for (const host of ['evil.example', 'evil.example:8000', 'localhost.evil.example', 'user@localhost']) {
    assert.ok([400, 403].includes(await statusOf('/health', { host })), host);
  }
});

test('pages of other sites may not post, unless they are allowed', async () => {
  const post = (origin: string) => {
    const headers = { ...withKey(KEYS[0]!), origin };
    return fetch(`${server.address}/v1/audio/transcriptions`, {
      method: 'POST',
      body: sampleForm(),
      headers,
    });
  };
  assert.equal((await post('https://evil.example')).status, 403);
  assert.equal((await post('null')).status, 403);
  assert.equal((await post(server.address)).status, 200);
  const allowed = await post('https://app.example');
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example');
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
  assert.equal(await statusOf('/v1/audio/transcriptions', preflight, 'OPTIONS'), 204);
  const foreign = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  assert.equal(await statusOf('/v1/audio/transcriptions', foreign, 'OPTIONS'), 403);
});
