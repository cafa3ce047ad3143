import { SAMPLE_RATE_HZ } from '../../audio/audioClip.js';
import { audioTokenCount } from '../../encoder/convStem.js';
import { QwenAsrError } from '../../error.js';
import { describeArgument } from '../../model/describe.js';
import { melFrameCount } from '../../ops/logMelShape.js';
import type { Stages } from '../transcribeClip.js';
import { usualBudget } from '../transcribeRequest.js';
import { MAX_BATCH, type Turn } from '../transcribeSegments.js';
import type { BatchOptions } from '../types.js';
import { ContinuousBatch } from './continuousBatch.js';

const DEFAULT_SEQUENCES = 8;

/** Longer segments take more memory a sequence; a recording up to this length is not split. */
const DEFAULT_SEGMENT_MS = 60_000;

const DEFAULT_CONTEXT_TOKENS = 512;

/** What the chat template adds to audio and context, and more than the longest name of a language. */
const TEMPLATE_TOKENS = 64;

/** Kernels are made for a capacity: nearly equal ones share them. */
const CAPACITY_STEP = 256;

/**
 * Opens a batch that requests share, with all its memory.
 *
 * @throws QwenAsrError `usage`; `memory` when there is not enough for a single sequence
 */
export function openBatch(stages: Stages, options: BatchOptions, turn: Turn): ContinuousBatch {
  const { sequences = DEFAULT_SEQUENCES, maxSegmentMs = DEFAULT_SEGMENT_MS } = options;
  const { maxContextTokens = DEFAULT_CONTEXT_TOKENS, onDecodeStep } = options;
  checkWhole('sequences', sequences, 1, MAX_BATCH);
  checkWhole('maxSegmentMs', maxSegmentMs, 1000, 1_200_000);
  checkWhole('maxContextTokens', maxContextTokens, 0, 100_000);
  const audioTokens = audioTokenCount(melFrameCount((maxSegmentMs / 1000) * SAMPLE_RATE_HZ));
  const positions = audioTokens + TEMPLATE_TOKENS + maxContextTokens + usualBudget(maxSegmentMs);
  const capacity = Math.ceil(positions / CAPACITY_STEP) * CAPACITY_STEP;
  for (let count = sequences; ; count = Math.floor(count / 2)) {
    try {
      return new ContinuousBatch(stages, { sequences: count, capacity }, turn, onDecodeStep);
    } catch (error) {
      const isMemory = error instanceof QwenAsrError && error.code === 'memory';
      if (!isMemory || count === 1) throw error;
    }
  }
}

function checkWhole(option: keyof BatchOptions, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const line = `expected a whole number from ${min} to ${max}, found ${describeArgument(value)}`;
  throw new QwenAsrError('usage', line, { option });
}
