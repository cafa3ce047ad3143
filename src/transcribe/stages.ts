import type { MelStage } from '../audio/melStage.js';
import type { Decoder } from '../decoder/decoder.js';
import type { Encoder } from '../encoder/encoder.js';
import type { TextModel } from './textModel.js';

/** The four stages of one loaded model. */
export interface Stages {
  readonly mel: MelStage;
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly text: TextModel;
}
