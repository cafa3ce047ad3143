import { MelStage } from '../../../src/audio/melSpectrogram.js';
import { Decoder } from '../../../src/decoder/decoder.js';
import { Encoder } from '../../../src/encoder/encoder.js';
import { readModelConfig } from '../../../src/model/config.js';
import { readModelDirectory } from '../../../src/model/modelDirectory.js';
import { loadDecoderWeights, loadEncoderWeights } from '../../../src/model/weights.js';
import type { Backend } from '../../../src/ops/operators.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import { LoadedModel } from '../../../src/transcribe/speechModel.js';
import { type LazyTextModel, transcriptTextModel } from '../../../src/transcribe/textModel.js';
import type { SpeechModel } from '../../../src/transcribe/types.js';

/** The model of a directory on a backend of the test's own making. */
export async function modelOnBackend(
  directory: string,
  backend: Backend,
  text: (text: LazyTextModel) => LazyTextModel = (same) => same,
): Promise<SpeechModel> {
  const described = await loadModel(directory, { backend: 'reference' });
  const { info } = described;
  await described.close();
  const files = await readModelDirectory(directory);
  const config = readModelConfig(files.tensors, files.configJson);
  const { encoder, decoder } = config;
  const encoderWeights = loadEncoderWeights(files.tensors, encoder, decoder.hidden, backend);
  const stages = {
    mel: new MelStage(backend),
    encoder: new Encoder(backend, encoder, encoderWeights),
    decoder: new Decoder(backend, decoder, loadDecoderWeights(files.tensors, decoder, backend)),
    text: text(transcriptTextModel(files, config)),
  };
  return new LoadedModel({ info, backend, stages, releaseFiles: () => files.release() });
}
