import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hubCacheFolder, proxyFor, readHubSettings } from '../../src/hub/hubSettings.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-settings-'));
after(() => rmSync(scratch, { recursive: true }));

/** Without a token of the developer's. */
const NONE = { HF_TOKEN_PATH: join(scratch, 'none') };

test('the cache is where the hub’s own client has it', () => {
  const cases: [Record<string, string>, string][] = [
    [{}, join(homedir(), '.cache', 'huggingface', 'hub')],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/x', HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '/h', HF_HUB_CACHE: '/c' }, '/c'],
    [{ HF_HOME: '/h', HF_HUB_CACHE: '' }, '/h/hub'],
    [{ HOME: '/me', HF_HOME: '~/hf' }, '/me/hf/hub'],
  ];
  for (const [env, folder] of cases) assert.equal(hubCacheFolder(env), folder, JSON.stringify(env));
});

test('the token comes from HF_TOKEN, else from the file that a login wrote', () => {
  const path = join(scratch, 'token');
  writeFileSync(path, 'hf_file\n');
  assert.equal(readHubSettings({ HF_TOKEN_PATH: path }).token, 'hf_file');
  assert.equal(readHubSettings({ HF_TOKEN_PATH: path, HF_TOKEN: ' hf_given ' }).token, 'hf_given');
  assert.equal(readHubSettings({ HF_HOME: scratch }).token, 'hf_file');
  assert.equal(readHubSettings(NONE).token, null);
  assert.throws(
    () => readHubSettings({ HF_TOKEN: 'a\r\nb' }),
    /^QwenAsrError: HF_TOKEN: expected a token, found one with/,
  );
});

test('the endpoint is an address, and may have a path', () => {
  assert.equal(readHubSettings(NONE).endpoint.href, 'https://huggingface.co/');
  const mirror = readHubSettings({ ...NONE, HF_ENDPOINT: 'https://mirror.example/hf/' });
  assert.equal(mirror.endpoint.href, 'https://mirror.example/hf');
  for (const HF_ENDPOINT of [
    'mirror.example',
    'ftp://mirror.example',
    'https://me:word@mirror.example',
    'file:///x',
  ]) {
    assert.throws(
      () => readHubSettings({ ...NONE, HF_ENDPOINT }),
      /^QwenAsrError: HF_ENDPOINT: expected an address/,
    );
  }
});

test('HF_HUB_OFFLINE takes the client’s words', () => {
  for (const word of ['1', 'on', 'YES', 'True'])
    assert.ok(readHubSettings({ ...NONE, HF_HUB_OFFLINE: word }).offline);
  for (const word of ['', '0', 'off', 'no'])
    assert.ok(!readHubSettings({ ...NONE, HF_HUB_OFFLINE: word }).offline);
});

test('proxies are for their kind of address, but for the hosts that are exempt', () => {
  const env = {
    ...NONE,
    HTTPS_PROXY: 'proxy.example:8080',
    NO_PROXY: 'localhost, .internal.example,10.0.0.1:90',
  };
  const { proxy } = readHubSettings(env);
  const hostFor = (address: string) => proxyFor(new URL(address), proxy)?.host ?? null;
  assert.equal(hostFor('https://huggingface.co/x'), 'proxy.example:8080');
  assert.equal(hostFor('http://huggingface.co/x'), null);
  assert.equal(hostFor('https://localhost/x'), null);
  assert.equal(hostFor('https://hub.internal.example/x'), null);
  assert.equal(hostFor('https://notinternal.example/x'), 'proxy.example:8080');
  assert.equal(hostFor('https://10.0.0.1:90/x'), null);
  assert.equal(hostFor('https://10.0.0.1/x'), 'proxy.example:8080');
  assert.throws(
    () => readHubSettings({ ...NONE, HTTPS_PROXY: 'socks5://me:word@x' }),
    (error: Error) => !error.message.includes('word'),
  );
});
