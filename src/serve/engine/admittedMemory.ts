import { QwenAsrError } from '../../error.js';
import { availableBytes } from '../../runtime/availableBytes.js';
import { livePositions } from '../../transcribe/live/cachedSteps.js';
import type { BatchOptions, ModelInfo, SpeechModel, TranscriptionBatch } from '../../transcribe/types.js';

/** The longest context of a live session, as of requests. */
export const MAX_LIVE_CONTEXT_TOKENS = 512;

/** What a server or a worker would hold at a time, if the memory is there. */
export interface WantedMemory {
  /** Segments decoded side by side. */
  readonly sequences: number;
  /** Live sessions. */
  readonly sessions: number;
  /** What all of them may take beside the model; null: half of what is free. */
  readonly memoryBytes: number | null;
}

/** What it may hold. */
export interface AdmittedMemory {
  /** With as many sequences as fit. */
  readonly batch: TranscriptionBatch;
  readonly sessions: number;
  /** What does not fit; null: everything does. */
  readonly note: string | null;
}

/**
 * Opens the batch of requests with as many sequences as the memory holds, even when all are as long as they can be; what
 * is left is for live sessions. Nobody is let in whose cache might not fit.
 *
 * @throws QwenAsrError `memory` when the memory that was given does not hold a single segment
 */
export async function openAdmittedMemory(
  model: SpeechModel,
  { sequences, sessions, memoryBytes }: WantedMemory,
  onDecodeStep?: BatchOptions['onDecodeStep'],
): Promise<AdmittedMemory> {
  const options = onDecodeStep === undefined ? {} : { onDecodeStep };
  const bytes = memoryBytes ?? availableBytes() / 2;
  const batch = model.openBatch({ ...options, sequences });
  const sequenceBytes = batch.load.capacity * positionBytes(model.info);
  const sessionBytes = livePositions(MAX_LIVE_CONTEXT_TOKENS) * positionBytes(model.info);
  const fitting = Math.floor(bytes / sequenceBytes);
  if (fitting < 1 && memoryBytes !== null) {
    await batch.close();
    const expected = `expected at least ${megabytes(sequenceBytes)} MB for a segment beside the model`;
    throw new QwenAsrError('memory', `${expected}, found ${Math.floor(bytes / 1e6)} MB`);
  }
  const held = Math.min(Math.max(1, fitting), batch.load.sequences);
  const left = Math.max(0, bytes - held * sequenceBytes);
  const heldSessions = Math.min(sessions, Math.floor(left / sessionBytes));
  const lacking = [
    ...(held < sequences ? [`${held} of ${sequences} segments`] : []),
    ...(heldSessions < sessions ? [`${heldSessions} of ${sessions} live sessions`] : []),
  ];
  const note = lacking.length === 0 ? null : `the memory holds ${lacking.join(' and ')}`;
  const admitted = { sessions: heldSessions, note };
  if (held === batch.load.sequences) return { batch, ...admitted };
  await batch.close();
  return { batch: model.openBatch({ ...options, sequences: held }), ...admitted };
}

/** What one position takes in the key/value cache of all layers. */
function positionBytes({ decoder, operand }: ModelInfo): number {
  const { layers, kvHeads, headDim } = decoder;
  return 2 * layers * kvHeads * headDim * (operand === 'bf16' ? 2 : 4);
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}
