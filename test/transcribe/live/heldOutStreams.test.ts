import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { splitSpeech } from '../../../src/audio/vad/speechSegmenter.js';
import { countErrors } from '../../../src/bench/accuracy/scoreTranscript.js';
import { loadAudio, loadModel } from '../../../src/index.js';
import type { Backend } from '../../../src/ops/operators.js';
import { joinTexts } from '../../../src/text/joinTexts.js';
import { parseTranscript } from '../../../src/text/transcript.js';
import { chooseBackend } from '../../../src/transcribe/chooseBackend.js';
import { LiveStream } from '../../../src/transcribe/live/liveStream.js';
import { SegmentText } from '../../../src/transcribe/live/segmentText.js';
import type { SpeechStream, StreamEvent, StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import type { Stages } from '../../../src/transcribe/transcribeClip.js';
import { resolveRequest } from '../../../src/transcribe/transcribeRequest.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';
import { demoModelDir, heldOutDir } from '../../support/projectRoot.js';
import { heldOutClips } from '../support/heldOutClips.js';
import { openStages, PlainSteps } from './streamingSupport.js';

/*
 * Clips that the demo model was not trained on, live: the same events as the plain algorithm's, and texts that are as good
 * as those of the published algorithm, which knows nothing of words that stand.
 */

const directory = heldOutDir();
const skip = directory === null && 'QWEN_ASR_HELD_OUT is not set';
/** All of them: QWEN_ASR_FULL=1. */
const EVERY = process.env['QWEN_ASR_FULL'] === '1' ? 1 : 13;

let model: SpeechModel;
let backend: Backend;
let stages: Stages & { release(): void };

before(async () => {
  if (directory === null) return;
  model = await loadModel(demoModelDir, { precision: 'f32' });
  ({ backend } = await chooseBackend({ precision: 'f32' }, demoModelDir));
  stages = await openStages(demoModelDir, backend);
});

after(async () => {
  if (directory === null) return;
  await model.close();
  await backend.close();
  stages.release();
});

async function eventsOf(stream: SpeechStream, samples: Float32Array): Promise<StreamEvent[]> {
  const written = stream.write(samples).then(() => stream.finish());
  const events: StreamEvent[] = [];
  for await (const event of stream) events.push(event);
  await written;
  return events;
}

/** Events without what depends on the clock. */
const untimed = (events: readonly StreamEvent[]) =>
  events.map(({ stepMs: _, behindMs: __, figures: ___, ...event }) => event);

const OPTIONS: StreamOptions = { coalesce: false };
const CHUNK_SAMPLES = 32_000;

/** The text of a segment by the published algorithm alone: nothing is committed before the end. */
async function publishedText(samples: Float32Array): Promise<string> {
  const { promptContent } = resolveRequest(stages.text, {}, 0);
  const steps = new PlainSteps(stages, promptContent);
  const text = new SegmentText(stages.text, { forcedLanguage: undefined });
  let raw = '';
  for (let end = 0; end < samples.length; ) {
    end = Math.min(samples.length, end + CHUNK_SAMPLES);
    const prompt = text.prompt();
    const budget = 32 + Math.ceil((12 * end) / 16_000);
    const input = { samples: samples.subarray(0, end), prefixIds: prompt.prefixIds, draftIds: [], budget };
    const outcome = await steps.step({ ...input, exact: false });
    text.take(prompt, outcome, end);
    raw = prompt.prefix + stages.text.tokenizer.decode(outcome.ids);
  }
  return parseTranscript(raw, { forcedLanguage: undefined }).text;
}

async function segmentsOf(samples: Float32Array): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  const blocks = (async function* () {
    yield samples;
  })();
  for await (const segment of splitSpeech(blocks, {})) found.push(segment.samples);
  return found;
}

test('held-out clips: the plain algorithm gives the same events; the texts are no worse than the published one’s', {
  skip,
}, async (t) => {
  const clips = heldOutClips(directory!).filter((_, i) => i % EVERY === 0);
  const found = { words: 0, steps: 0, louder: 0, segments: 0 };
  const agree = { live: 0, published: 0 };
  const errors = { live: 0, published: 0, offline: 0 };
  for (const { file, language, text } of clips) {
    const { samples } = await loadAudio(join(directory!, file));
    const events = await eventsOf(model.openStream(OPTIONS), samples);
    const plain = new LiveStream(
      stages.text,
      OPTIONS,
      ({ promptContent }) => new PlainSteps(stages, promptContent),
    );
    assert.deepEqual(untimed(events), untimed(await eventsOf(plain, samples)), file);
    let committed = '';
    for (const event of events) committed += event.committed;
    const live = events.flatMap(({ segmentText }) => segmentText ?? []);
    assert.equal(committed, joinTexts(live), file);
    const segments = await segmentsOf(samples);
    const offline: string[] = [];
    const published: string[] = [];
    for (const segment of segments) {
      offline.push((await model.transcribe(segment).result).text);
      published.push(await publishedText(segment));
    }
    assert.equal(live.length, segments.length, file);
    const score = (parts: readonly string[]) => countErrors(text, joinTexts(parts), language);
    errors.live += score(live).wordErrors;
    errors.published += score(published).wordErrors;
    errors.offline += score(offline).wordErrors;
    if (joinTexts(live) === joinTexts(offline)) agree.live++;
    if (joinTexts(published) === joinTexts(offline)) agree.published++;
    const made = events.filter(({ figures }) => figures !== null);
    found.words += score(live).referenceWords;
    found.steps += made.length;
    found.louder += made.filter(({ figures }) => figures!.floorMoved).length;
    found.segments += segments.length;
  }
  t.diagnostic(`${clips.length} clips, ${JSON.stringify({ ...found, agree, errors })}`);
  assert.ok(found.steps > 3 * clips.length);
  assert.ok(agree.live >= agree.published, `${agree.live} and ${agree.published} of ${clips.length} agree`);
  assert.ok(errors.live <= errors.published, `${errors.live} and ${errors.published} word errors`);
});
