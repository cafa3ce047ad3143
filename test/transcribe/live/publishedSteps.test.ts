import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Backend } from '../../../src/ops/operators.js';
import { chooseBackend } from '../../../src/transcribe/chooseBackend.js';
import { CachedSteps } from '../../../src/transcribe/live/cachedSteps.js';
import type { StepComputer, StepInput, StepOutcome } from '../../../src/transcribe/live/liveStep.js';
import { LiveStream } from '../../../src/transcribe/live/liveStream.js';
import type { StreamOptions } from '../../../src/transcribe/live/streamTypes.js';
import type { Stages } from '../../../src/transcribe/transcribeClip.js';
import { demoModelDir } from '../../support/projectRoot.js';
import {
  type GoldenStep,
  openStages,
  PlainSteps,
  readStreamingClip,
  readStreamingGolden,
} from './streamingSupport.js';

/*
 * The streaming algorithm, step by step against what the published code gives: computed plainly, everything anew each
 * time, and with all that is kept from step to step.
 */

const FILES: readonly (readonly [file: string, options: StreamOptions])[] = [
  ['golden.json', {}],
  ['forced-german.json', { language: 'German' }],
  ['context.json', { context: 'Cities: Vienna, Tokyo.\nRooms: kitchen.' }],
  ['chunk-1s.json', { chunkMs: 1000 }],
];

let backend: Backend;
let stages: Stages & { release(): void };

before(async () => {
  ({ backend } = await chooseBackend({ precision: 'f32' }, demoModelDir));
  stages = await openStages(demoModelDir, backend);
});

after(async () => {
  await backend.close();
  stages.release();
});

/** Steps as they are made, with what was asked and answered. */
class WatchedSteps implements StepComputer {
  readonly #steps: StepComputer;
  readonly seen: { readonly input: StepInput; readonly outcome: StepOutcome }[] = [];

  constructor(steps: StepComputer) {
    this.#steps = steps;
  }

  async step(input: StepInput): Promise<StepOutcome> {
    const outcome = await this.#steps.step(input);
    this.seen.push({ input, outcome });
    return outcome;
  }

  reset(): void {
    this.#steps.reset();
  }

  release(): void {
    this.#steps.release();
  }
}

/** The steps of a clip in the form of the goldens, and what they cost. */
async function stepsOf(kind: 'plain' | 'cached', clip: string, options: StreamOptions) {
  let watched: WatchedSteps | undefined;
  const stream = new LiveStream(
    stages.text,
    { ...options, vad: false, coalesce: false },
    ({ promptContent }, signal) => {
      const steps =
        kind === 'plain'
          ? new PlainSteps(stages, promptContent)
          : new CachedSteps(stages, promptContent, (task) => task(), signal);
      watched = new WatchedSteps(steps);
      return watched;
    },
  );
  const written = stream.write(await readStreamingClip(clip)).then(() => stream.finish());
  const found: GoldenStep[] = [];
  let committed = '';
  for await (const event of stream) {
    const { input, outcome } = watched!.seen[found.length]!;
    committed += event.committed;
    found.push({
      samples: event.audioMs * 16,
      prefix: stages.text.tokenizer.decode(input.prefixIds),
      tokens: outcome.ids,
      generated: stages.text.tokenizer.decode(outcome.ids),
      language: event.language,
      text: committed + event.tentative,
    });
  }
  await written;
  return { found, figures: watched!.seen.map(({ outcome }) => outcome.figures) };
}

for (const [file, options] of FILES) {
  for (const [clip, golden] of Object.entries(readStreamingGolden(file))) {
    test(`${clip} in ${file}: the plain algorithm makes the published steps`, async () => {
      const { found } = await stepsOf('plain', clip, options);
      assert.deepEqual(found, golden);
    });

    test(`${clip} in ${file}: what is kept from step to step changes nothing`, async () => {
      const { found, figures } = await stepsOf('cached', clip, options);
      assert.deepEqual(found, golden);
      for (const [i, of] of figures.entries()) {
        const { draftTokens, acceptedTokens, decodedTokens, prefilledTokens, audioTokens } = of;
        assert.equal(acceptedTokens + decodedTokens, golden[i]!.tokens.length);
        assert.ok(acceptedTokens <= draftTokens);
        // The first steps may change everything, the others the last five tokens.
        if (i < 2) assert.equal(draftTokens, golden[i - 1]?.tokens.length ?? 0);
        else assert.ok(draftTokens >= 5);
        const isContinued =
          i > 0 && audioTokens > 104 && !figures[i]!.floorMoved && figures[i - 1]!.audioTokens > 104;
        if (isContinued)
          assert.ok(prefilledTokens < audioTokens, `step ${i} computed ${prefilledTokens} positions`);
      }
      const accepted = figures.reduce((sum, { acceptedTokens }) => sum + acceptedTokens, 0);
      assert.ok(figures.length < 3 || accepted > 0, 'no rolled-back token was ever accepted');
    });
  }
}
