/** Log-mel spectrogram. */
export interface Mel {
  /** [128, frames] f32, row-major. */
  readonly data: Float32Array;
  readonly bins: 128;
  readonly frames: number;
}
