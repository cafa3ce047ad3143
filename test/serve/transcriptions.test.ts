import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { speakSentences } from '../support/sentences.js';
import { documentOf, sampleBytes, sampleForm, wavOfSamples } from './support/sampleForm.js';
import { startServer, type TestServer } from './support/startServer.js';

const GOLDEN = readGolden('demo/timer-en');

let server: TestServer;

before(async () => {
  server = await startServer();
});

after(() => server.stop());

function post(body: FormData, path = '/v1/audio/transcriptions'): Promise<Response> {
  return fetch(server.address + path, { method: 'POST', body });
}

async function refusal(answer: Response): Promise<{ status: number; param: string | null; code: string }> {
  const { error } = await documentOf(answer);
  assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
  assert.doesNotMatch(error.message, /\n|spool|\.js/);
  return { status: answer.status, param: error.param, code: error.code };
}

test('the text is the same in every format, each in its documented form', async () => {
  const answers = new Map<string, { type: string | null; body: string }>();
  for (const format of ['json', 'text', 'srt', 'vtt', 'verbose_json']) {
    const answer = await post(sampleForm({ response_format: format }));
    assert.equal(answer.status, 200);
    answers.set(format, { type: answer.headers.get('content-type'), body: await answer.text() });
  }
  for (const format of ['text', 'srt', 'vtt']) {
    assert.equal(answers.get(format)?.type, 'text/plain; charset=utf-8');
  }
  assert.equal(answers.get('text')?.body, GOLDEN.text);
  const times = /00:00:00[.,]\d{3} --> 00:00:02[.,]\d{3}/;
  const cue = (format: string) => answers.get(format)?.body.replace(times, 'times');
  assert.equal(cue('srt'), `1\ntimes\n${GOLDEN.text}\n\n`);
  assert.equal(cue('vtt'), `WEBVTT\n\ntimes\n${GOLDEN.text}\n\n`);
  const json = JSON.parse(answers.get('json')!.body);
  const prompt = GOLDEN.prompt_ids.length;
  const output = GOLDEN.tokens.length;
  const audio = GOLDEN.shapes['encoder']![0]!;
  assert.deepEqual(json, {
    text: GOLDEN.text,
    usage: {
      type: 'tokens',
      input_tokens: prompt,
      output_tokens: output,
      total_tokens: prompt + output,
      input_token_details: { audio_tokens: audio, text_tokens: prompt - audio },
    },
  });
  const verbose = JSON.parse(answers.get('verbose_json')!.body);
  const duration = GOLDEN.samples / 16_000;
  const [segment, ...others] = verbose.segments;
  assert.equal(others.length, 0);
  const { avg_logprob, no_speech_prob, ...facts } = segment;
  const bytes = Buffer.from(GOLDEN.text);
  assert.deepEqual(facts, {
    id: 0,
    seek: 0,
    start: 0,
    end: duration,
    text: GOLDEN.text,
    tokens: facts.tokens,
    temperature: 0,
    compression_ratio: bytes.length / deflateSync(bytes).length,
  });
  // What stands between the tag and the end of the output.
  assert.deepEqual(facts.tokens, GOLDEN.tokens.slice(-1 - facts.tokens.length, -1));
  assert.ok(avg_logprob < 0 && avg_logprob > -0.1, `${avg_logprob}`);
  assert.ok(no_speech_prob > 0 && no_speech_prob < 0.6, `${no_speech_prob}`);
  assert.deepEqual(
    { ...verbose, segments: [] },
    {
      task: 'transcribe',
      language: GOLDEN.language.toLowerCase(),
      duration,
      text: GOLDEN.text,
      segments: [],
      usage: { type: 'duration', seconds: Math.ceil(duration) },
    },
  );
});

test('a stream has the text bit by bit, and whole at its end', async () => {
  const answer = await post(sampleForm({ stream: 'True', 'include[]': 'logprobs' }));
  assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
  const events = (await answer.text()).split('\n\n').filter((event) => event !== '');
  const [done, ...deltas] = events.map((event) => JSON.parse(event.replace(/^data: /, ''))).reverse();
  assert.equal(done.type, 'transcript.text.done');
  assert.equal(done.text, GOLDEN.text);
  assert.equal(done.usage.output_tokens, GOLDEN.tokens.length);
  assert.ok(deltas.length > 3);
  const text = deltas.reverse().map(({ type, delta, logprobs }) => {
    assert.equal(type, 'transcript.text.delta');
    assert.equal(logprobs[0].token, delta);
    assert.deepEqual(logprobs[0].bytes, [...Buffer.from(delta)]);
    assert.ok(logprobs[0].logprob <= 0);
    return delta;
  });
  assert.equal(text.join(''), GOLDEN.text);
  assert.deepEqual(
    done.logprobs,
    deltas.flatMap(({ logprobs }) => logprobs),
  );
});

test('a long recording: deltas in order, segments one after the other', async () => {
  const { samples, texts } = await speakSentences(Array.from({ length: 17 }, (_, i) => i % 4));
  const wav = wavOfSamples(samples);
  const chunking = { chunking_strategy: 'auto' };
  const streamed = await (await post(sampleForm({ ...chunking, stream: 'true' }, wav))).text();
  const events = streamed.split('\n\n').filter((event) => event !== '');
  const parsed = events.map((event) => JSON.parse(event.slice('data: '.length)));
  const done = parsed.pop();
  const verbose = await documentOf(
    await post(sampleForm({ ...chunking, response_format: 'verbose_json' }, wav)),
  );
  assert.equal(done.text, verbose.text);
  assert.equal(parsed.map(({ delta }) => delta).join(''), verbose.text);
  assert.ok(verbose.segments.length >= 10);
  assert.ok(texts.filter((text) => verbose.text.includes(text)).length >= 14, verbose.text);
  for (const { seek, start } of verbose.segments) assert.equal(seek, Math.round(start * 100));
});

test('what clients are known to send works', async () => {
  const spellings: Record<string, string | string[]>[] = [
    { language: '', prompt: '' },
    { language: 'en', temperature: '0', response_format: '' },
    { language: 'EN', prompt: 'kitchen' },
    { model: 'whisper-1', 'timestamp_granularities[]': '' },
    { 'timestamp_granularities[]': 'segment', response_format: 'verbose_json' },
    { chunking_strategy: 'auto' },
    { chunking_strategy: '{"type":"server_vad","threshold":0.4}' },
    { 'chunking_strategy[type]': 'server_vad', 'chunking_strategy[silence_duration_ms]': '500' },
    { stream: 'False' },
  ];
  for (const fields of spellings) {
    const answer = await post(sampleForm(fields));
    const body = await documentOf(answer);
    assert.equal(answer.status, 200, JSON.stringify([fields, body]));
    assert.equal(body.text, GOLDEN.text);
  }
  const warm = await post(sampleForm({ temperature: '0.7' }));
  assert.equal(warm.headers.get('x-qwen-asr-temperature'), '0');
});

test('a file without a name or a type, and a client that waits for a 100', async () => {
  const parts = [
    '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ndemo\r\n',
    '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n',
  ];
  const body = Buffer.concat([
    Buffer.from(parts.join('')),
    sampleBytes('timer-en'),
    Buffer.from('\r\n--b--\r\n'),
  ]);
  const headers = {
    'content-type': 'multipart/form-data; boundary=b',
    'content-length': String(body.length),
    expect: '100-continue',
  };
  const text = await new Promise<string>((resolve, reject) => {
    let continued = false;
    const sent = request(
      `${server.address}/v1/audio/transcriptions`,
      { method: 'POST', headers },
      (answer) => {
        let received = `${continued} ${answer.statusCode} `;
        answer.setEncoding('utf8').on('data', (piece) => {
          received += piece;
        });
        answer.on('end', () => resolve(received));
      },
    );
    sent.on('error', reject).on('continue', () => {
      continued = true;
      sent.end(body);
    });
    sent.flushHeaders();
  });
  assert.ok(text.startsWith('true 200 '), text);
  assert.equal(JSON.parse(text.slice('true 200 '.length)).text, GOLDEN.text);
});

test('a damaged recording is transcribed as far as it goes, and the answer says so', async () => {
  const whole = sampleBytes('timer-en');
  const answer = await post(sampleForm({}, whole.slice(0, whole.length - 4000)));
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('x-qwen-asr-notes') ?? '', /^file: /);
  assert.deepEqual(Object.keys(await documentOf(answer)), ['text', 'usage']);
});

test('WebM from a browser', async (t) => {
  const made = spawnSync('ffmpeg', [
    ...['-v', 'error', '-i', join(demoModelDir, 'samples', 'timer-en.wav')],
    ...['-c:a', 'libopus', '-b:a', '64k', '-f', 'webm', '-'],
  ]);
  if (made.status !== 0) return t.skip('no ffmpeg that writes WebM');
  const answer = await post(sampleForm({}, new Uint8Array(made.stdout)));
  assert.equal((await documentOf(answer)).text, GOLDEN.text);
});

for (const [fields, status, param] of [
  [{ model: 'gpt-5' }, 404, 'model'],
  [{ model: '' }, 400, 'model'],
  [{ language: 'xx' }, 400, 'language'],
  [{ language: ['en', 'de'] }, 400, 'language'],
  [{ prompt: 'kitchen '.repeat(4000) }, 400, 'prompt'],
  [{ response_format: 'xml' }, 400, 'response_format'],
  [{ response_format: 'diarized_json' }, 400, 'response_format'],
  [{ temperature: '1.1' }, 400, 'temperature'],
  [{ temperature: 'warm' }, 400, 'temperature'],
  [{ 'timestamp_granularities[]': 'segment' }, 400, 'timestamp_granularities'],
  [
    { 'timestamp_granularities[]': 'word', response_format: 'verbose_json' },
    400,
    'timestamp_granularities[]',
  ],
  [
    { 'timestamp_granularities[]': 'letter', response_format: 'verbose_json' },
    400,
    'timestamp_granularities[]',
  ],
  [{ 'include[]': 'logprobs', response_format: 'text' }, 400, 'include'],
  [{ 'include[]': 'everything' }, 400, 'include[]'],
  [{ chunking_strategy: 'manual' }, 400, 'chunking_strategy'],
  [{ 'chunking_strategy[type]': 'semantic_vad' }, 400, 'chunking_strategy[type]'],
  [{ chunking_strategy: '{"type":"server_vad","threshold":2}' }, 400, 'chunking_strategy[threshold]'],
  [{ chunking_strategy: '{"type":' }, 400, 'chunking_strategy'],
  [{ stream: 'true', response_format: 'srt' }, 400, 'stream'],
  [{ stream: 'true', response_format: 'vtt' }, 400, 'stream'],
  [{ stream: 'true', response_format: 'verbose_json' }, 400, 'stream'],
  [{ stream: 'maybe' }, 400, 'stream'],
  [{ 'known_speaker_names[]': 'Ann' }, 400, 'known_speaker_names'],
  [{ 'known_speaker_references[]': 'data:,' }, 400, 'known_speaker_references'],
  [{ vad_filter: 'true' }, 400, 'vad_filter'],
] as [Record<string, string | string[]>, number, string][]) {
  test(`refused: ${JSON.stringify(fields).slice(0, 80)}`, async () => {
    const found = await refusal(await post(sampleForm(fields)));
    assert.deepEqual({ status: found.status, param: found.param }, { status, param });
    if (status === 404) assert.equal(found.code, 'model_not_found');
  });
}

test('files that are none', async () => {
  const text = new TextEncoder().encode('These are words, not sounds.');
  assert.deepEqual(await refusal(await post(sampleForm({}, text))), {
    status: 400,
    param: 'file',
    code: 'invalid_audio',
  });
  const empty = await refusal(await post(sampleForm({}, new Uint8Array(0))));
  assert.equal(empty.param, 'file');
  const without = sampleForm();
  without.delete('file');
  assert.equal((await refusal(await post(without))).param, 'file');
  const twice = sampleForm();
  twice.append('file', new Blob([sampleBytes('timer-en')]), 'b.wav');
  assert.equal((await refusal(await post(twice))).param, 'file');
  const named = await fetch(`${server.address}/v1/audio/transcriptions`, { method: 'POST', body: '{}' });
  assert.equal((await refusal(named)).code, 'invalid_content_type');
  assert.equal((await refusal(await post(sampleForm(), '/v1/audio/translations'))).status, 400);
});

test('models, health, metrics and the page', async () => {
  const list = await documentOf(await fetch(`${server.address}/v1/models`));
  assert.deepEqual(
    list.data.map(({ id, object }: { id: string; object: string }) => [id, object]),
    [
      ['demo', 'model'],
      ['whisper-1', 'model'],
      ['gpt-4o-transcribe', 'model'],
    ],
  );
  const one = await documentOf(await fetch(`${server.address}/v1/models/whisper-1`));
  assert.deepEqual(one, list.data[1]);
  assert.equal((await refusal(await fetch(`${server.address}/v1/models/a/b`))).code, 'model_not_found');
  assert.equal((await documentOf(await fetch(`${server.address}/health`))).status, 'ok');
  const metrics = await (await fetch(`${server.address}/metrics`)).text();
  assert.match(metrics, /^qwen_asr_requests_total\{route="\/v1\/audio\/transcriptions",status="200"\} \d+$/m);
  assert.match(metrics, /^qwen_asr_spool_bytes 0$/m);
  const figure = (name: string): number => {
    const line = metrics.split('\n').find((one) => one.startsWith(`qwen_asr_${name} `));
    return Number(line?.split(' ')[1] ?? assert.fail(`no ${name}`));
  };
  const route = '{route="/v1/audio/transcriptions"}';
  // Streams count too: until their first text, and until their last byte.
  const answered = figure('requests_total{route="/v1/audio/transcriptions",status="200"}');
  assert.equal(figure('first_text_seconds_count'), answered);
  assert.ok(figure('first_text_seconds_sum') < figure(`request_seconds_sum${route}`));
  assert.ok(figure(`request_seconds_count${route}`) >= answered);
  const page = await fetch(`${server.address}/`);
  assert.match(await page.text(), /^<!doctype html>/);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.equal((await refusal(await fetch(`${server.address}/v2/nothing`))).status, 404);
});

test('whisper.cpp’s /inference', async () => {
  const form = (fields: Record<string, string>) => {
    const made = sampleForm(fields);
    made.delete('model');
    return made;
  };
  const fields = { temperature: '0.0', temperature_inc: '0.2', language: 'auto' };
  assert.deepEqual(await documentOf(await post(form(fields), '/inference')), { text: GOLDEN.text });
  assert.equal(await (await post(form({ response_format: 'text' }), '/inference')).text(), GOLDEN.text);
  assert.equal((await refusal(await post(form({ translate: 'true' }), '/inference'))).param, 'translate');
});
