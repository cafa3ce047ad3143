import { freemem } from 'node:os';
import type { BatchOptions, ModelInfo, SpeechModel, TranscriptionBatch } from '../../transcribe/types.js';

/** As many sequences as half of the memory holds, even when all are as long as they can be. */
export async function openBatchInMemory(
  model: SpeechModel,
  sequences: number,
  onDecodeStep?: BatchOptions['onDecodeStep'],
): Promise<TranscriptionBatch> {
  const options = onDecodeStep === undefined ? {} : { onDecodeStep };
  const batch = model.openBatch({ ...options, sequences });
  const sequenceBytes = batch.load.capacity * positionBytes(model.info);
  const fitting = Math.max(1, Math.floor(freemem() / 2 / sequenceBytes));
  if (fitting >= batch.load.sequences) return batch;
  await batch.close();
  return model.openBatch({ ...options, sequences: fitting });
}

/** What one position takes in the key/value cache of all layers. */
function positionBytes({ decoder, precision }: ModelInfo): number {
  const { layers, kvHeads, headDim } = decoder;
  return 2 * layers * kvHeads * headDim * (precision === 'bf16' ? 2 : 4);
}
