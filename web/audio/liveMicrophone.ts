import { openMicrophone } from './openMicrophone.js';

/** As it is: what is left of speech when noise is taken out of it is harder to recognise than speech in noise. */
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** The visitor's microphone while somebody speaks. */
export class LiveMicrophone {
  readonly #stream: MediaStream;
  readonly #context: AudioContext;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #node: AudioWorkletNode;
  #stopping: Promise<void> | undefined;

  private constructor(stream: MediaStream, context: AudioContext) {
    this.#stream = stream;
    this.#context = context;
    this.#source = context.createMediaStreamSource(stream);
    this.#node = new AudioWorkletNode(context, 'microphone', {
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    // Silence: some browsers compute only what is heard.
    this.#node.connect(context.destination);
  }

  /** Opens it, after asking. @throws Error in plain words when there is none or the visitor says no */
  static async open(): Promise<LiveMicrophone> {
    const stream = await openMicrophone(UNPROCESSED);
    try {
      const context = new AudioContext();
      await context.audioWorklet.addModule(new URL('./microphoneProcessor.js', import.meta.url));
      await context.resume();
      return new LiveMicrophone(stream, context);
    } catch (error) {
      for (const track of stream.getTracks()) track.stop();
      throw error;
    }
  }

  get sampleRateHz(): number {
    return this.#context.sampleRate;
  }

  /**
   * Begins to listen.
   *
   * @param onSamples gets [any] f32 of sampleRateHz, the mean of the channels, which are its own
   * @param onGone told when the microphone is taken away
   */
  listen(onSamples: (samples: Float32Array<ArrayBuffer>) => void, onGone: () => void): void {
    this.#node.port.onmessage = ({ data }) => {
      if (data !== null) onSamples(data);
    };
    for (const track of this.#stream.getTracks()) track.addEventListener('ended', onGone);
    this.#source.connect(this.#node);
  }

  /** Ends it, when everything that it heard has been given. Calling it again is harmless. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#node.port.addEventListener('message', ({ data }) => {
        if (data === null) resolve();
      });
      // A system that took the sound away may have stopped the audio thread.
      setTimeout(resolve, 1000);
    });
    this.#node.port.postMessage(null);
    await ended;
    for (const track of this.#stream.getTracks()) track.stop();
    await this.#context.close();
  }
}
