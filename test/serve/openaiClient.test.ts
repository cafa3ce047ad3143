import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, toFile } from 'openai';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { sampleBytes } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const GOLDEN = readGolden('demo/timer-en');
const KEY = 'a-key-of-the-test';

let server: TestServer;
let client: OpenAI;

before(async () => {
  server = await startServer({ keys: [KEY] });
  client = new OpenAI({ apiKey: KEY, baseURL: `${server.address}/v1`, maxRetries: 0 });
});

after(() => server.stop());

const file = () => createReadStream(join(demoModelDir, 'samples', 'timer-en.wav'));

test('transcriptions in every format', async () => {
  const { transcriptions } = client.audio;
  const model = 'whisper-1';
  const json = await transcriptions.create({ file: file(), model });
  assert.equal(json.text, GOLDEN.text);
  assert.equal(json.usage?.type, 'tokens');
  assert.equal(await transcriptions.create({ file: file(), model, response_format: 'text' }), GOLDEN.text);
  const srt = await transcriptions.create({ file: file(), model, response_format: 'srt' });
  assert.match(srt, /^1\n00:00:00,000 --> 00:00:02,\d{3}\nSet a timer/);
  const vtt = await transcriptions.create({ file: file(), model, response_format: 'vtt' });
  assert.match(vtt, /^WEBVTT\n/);
  const verbose = await transcriptions.create({
    file: file(),
    model,
    response_format: 'verbose_json',
    timestamp_granularities: ['segment'],
    language: 'en',
    prompt: 'kitchen',
    temperature: 0.2,
  });
  assert.deepEqual(
    [verbose.text, verbose.language, verbose.segments?.length, verbose.usage?.seconds],
    [GOLDEN.text, 'english', 1, 3],
  );
  const withProbabilities = await transcriptions.create({
    file: await toFile(sampleBytes('timer-en'), 'a.wav'),
    model,
    include: ['logprobs'],
    chunking_strategy: { type: 'server_vad', threshold: 0.4, prefix_padding_ms: 200 },
  });
  assert.equal(withProbabilities.logprobs?.map(({ token }) => token).join(''), GOLDEN.text);
});

test('streaming', async () => {
  const stream = await client.audio.transcriptions.create({
    file: file(),
    model: 'gpt-4o-transcribe',
    stream: true,
    include: ['logprobs'],
  });
  let text = '';
  for await (const event of stream) {
    if (event.type === 'transcript.text.delta') text += event.delta;
    if (event.type === 'transcript.text.done') {
      assert.equal(event.text, GOLDEN.text);
      assert.equal(event.usage?.output_tokens, GOLDEN.tokens.length);
    }
  }
  assert.equal(text, GOLDEN.text);
});

test('errors are those of the API', async () => {
  const { transcriptions } = client.audio;
  const isBad = (param: string) => (error: unknown) => {
    assert.ok(error instanceof BadRequestError, String(error));
    assert.equal(error.param, param);
    assert.equal(error.type, 'invalid_request_error');
    return true;
  };
  const ask = (fields: object) => transcriptions.create({ file: file(), model: 'whisper-1', ...fields });
  await assert.rejects(ask({ model: 'gpt-5' }), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.equal(error.code, 'model_not_found');
    return true;
  });
  await assert.rejects(ask({ language: 'tlh' }), isBad('language'));
  await assert.rejects(ask({ response_format: 'diarized_json' }), isBad('response_format'));
  await assert.rejects(ask({ known_speaker_names: ['Ann'] }), isBad('known_speaker_names'));
  await assert.rejects(ask({ stream: true, response_format: 'vtt' }), isBad('stream'));
  await assert.rejects(
    ask({ response_format: 'verbose_json', timestamp_granularities: ['word'] }),
    isBad('timestamp_granularities[]'),
  );
  await assert.rejects(
    client.audio.translations.create({ file: file(), model: 'whisper-1' }),
    BadRequestError,
  );
  const stranger = new OpenAI({ apiKey: 'another', baseURL: client.baseURL, maxRetries: 0 });
  await assert.rejects(stranger.models.list(), (error) => {
    assert.ok(error instanceof AuthenticationError);
    assert.doesNotMatch(error.message, /another/);
    return true;
  });
});

test('models', async () => {
  const names: string[] = [];
  for await (const { id } of client.models.list()) names.push(id);
  assert.deepEqual(names, ['demo', 'whisper-1', 'gpt-4o-transcribe']);
  assert.equal((await client.models.retrieve('demo')).owned_by, 'qwen-asr');
});

test('chat with a recording, as the model is served elsewhere', async () => {
  const data = Buffer.from(sampleBytes('timer-en')).toString('base64');
  const messages = [
    { role: 'system' as const, content: 'kitchen' },
    {
      role: 'user' as const,
      content: [{ type: 'input_audio' as const, input_audio: { data, format: 'wav' as const } }],
    },
  ];
  const answer = await client.chat.completions.create({ model: 'demo', messages });
  assert.equal(answer.choices[0]?.message.content, GOLDEN.raw);
  assert.equal(answer.choices[0]?.finish_reason, 'stop');
  assert.equal(answer.usage?.completion_tokens, GOLDEN.tokens.length);
  const stream = await client.chat.completions.create({
    model: 'demo',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let tokens = 0;
  for await (const { choices, usage } of stream) {
    text += choices[0]?.delta.content ?? '';
    tokens = usage?.completion_tokens ?? tokens;
  }
  assert.deepEqual([text, tokens], [GOLDEN.raw, GOLDEN.tokens.length]);
  const cut = await client.chat.completions.create({ model: 'demo', messages, max_completion_tokens: 4 });
  assert.equal(cut.choices[0]?.finish_reason, 'length');
  const url = (address: string) => [
    { role: 'user' as const, content: [{ type: 'audio_url', audio_url: { url: address } }] },
  ];
  const asked = await client.chat.completions.create({
    model: 'demo',
    // As the model's own documentation sends it; the client's types do not know such parts.
    messages: url(`data:audio/wav;base64,${data}`) as never,
  });
  assert.equal(asked.choices[0]?.message.content, GOLDEN.raw);
  await assert.rejects(
    client.chat.completions.create({ model: 'demo', messages: url('http://127.0.0.1/a.wav') as never }),
    (error) => error instanceof BadRequestError && error.param === 'messages[0].content[0].audio_url.url',
  );
  await assert.rejects(
    client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
    (error) => error instanceof BadRequestError && error.param === 'messages[0].content',
  );
});
