/** Beyond it a value is no sound, and resampling could overflow f32 (3.4e38); of NaN every comparison is false. */
const MAX_MAGNITUDE = 1e30;

/** Length of the stretches in which channels are compared. */
const STRETCH_MS = 1000;
/** A shorter one at the end of a recording tells nothing. */
const MIN_STRETCH_MS = 100;
/** Mean square of a channel below which there is nothing that could be lost: -60 dBFS. */
const SILENT = 1e-6;
/**
 * Energy of the mean of the channels over that which independent channels would leave of it (n for n equal channels, 1
 * where all but one are silent): below -13 dB the channels cancel each other.
 */
const CANCELLED = 0.05;

/** Watches the samples that a recording's channels are mixed to, for the notes that its user needs. */
export class MixMeter {
  readonly #label: string;
  /** Samples that are no numbers, or no sound by their size, and were taken as 0. */
  #notNumbers = 0;
  #cancelledMs = 0;
  #stretchMs = 0;
  /** Integrals over the stretch: of the squares of all channels, and of what independent channels would leave. */
  #channelEnergy = 0;
  #mixEnergy = 0;

  constructor(label: string) {
    this.#label = label;
  }

  /** The sample itself, or 0 for one that is no number; it is counted then. */
  checked(value: number): number {
    if (Math.abs(value) <= MAX_MAGNITUDE) return value;
    this.#notNumbers++;
    return 0;
  }

  /**
   * Compares channels with their mean.
   *
   * @param mean [n] f32 of the channels.
   * @param squares the sum of the squares of all their samples.
   */
  compare(mean: Float32Array, squares: number, channels: number, sampleRateHz: number): void {
    if (channels < 2) return;
    let meanSquares = 0;
    for (let i = 0; i < mean.length; i++) meanSquares += mean[i]! * mean[i]!;
    this.#channelEnergy += squares / sampleRateHz / channels;
    this.#mixEnergy += (meanSquares * channels) / sampleRateHz;
    this.#stretchMs += (1000 * mean.length) / sampleRateHz;
    if (this.#stretchMs >= STRETCH_MS) this.#endStretch();
  }

  /**
   * The mean of channels.
   *
   * @param channels [channels][n] f32.
   * @returns [n] f32.
   */
  mix(channels: readonly Float32Array[], sampleRateHz: number): Float32Array {
    const [first] = channels;
    const mono = new Float32Array(first?.length ?? 0);
    let squares = 0;
    for (let i = 0; i < mono.length; i++) {
      let sum = 0;
      for (const samples of channels) {
        const value = this.checked(samples[i]!);
        sum += value;
        squares += value * value;
      }
      mono[i] = sum / channels.length;
    }
    this.compare(mono, squares, channels.length, sampleRateHz);
    return mono;
  }

  /** The notes, when the recording has ended. */
  notes(): string[] {
    if (this.#stretchMs >= MIN_STRETCH_MS) this.#endStretch();
    const notes: string[] = [];
    if (this.#notNumbers > 0) {
      const one = '1 sample that is no number was';
      const found = this.#notNumbers === 1 ? one : `${this.#notNumbers} samples that are no numbers were`;
      notes.push(`${this.#label}: ${found} taken as 0`);
    }
    if (this.#cancelledMs > 0) {
      const where = `the channels cancel each other for ${(this.#cancelledMs / 1000).toFixed(1)} s`;
      const advice = 'to hear it, keep one of them: ffmpeg -i IN -af "pan=mono|c0=c0" OUT.wav';
      notes.push(`${this.#label}: ${where}, of which little or nothing is heard; ${advice}`);
    }
    return notes;
  }

  #endStretch(): void {
    const isLoud = (1000 * this.#channelEnergy) / this.#stretchMs > SILENT;
    if (isLoud && this.#mixEnergy < CANCELLED * this.#channelEnergy) this.#cancelledMs += this.#stretchMs;
    this.#stretchMs = 0;
    this.#channelEnergy = 0;
    this.#mixEnergy = 0;
  }
}
