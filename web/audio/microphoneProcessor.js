/*
 * The program of the browser's audio thread, which takes JavaScript alone: sends what the microphone gives, in blocks, and
 * what is left of one when it is asked to end; null is the end.
 */

/** A tenth of a second at most rates: fewer messages than the 128 samples that come at once would be. */
const BLOCK_SAMPLES = 4096;

class MicrophoneProcessor extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK_SAMPLES);
  #filled = 0;
  #ended = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#ended = true;
      this.#send();
      this.port.postMessage(null);
    };
  }

  process([[samples = new Float32Array()]]) {
    if (this.#ended) return false;
    for (const sample of samples) {
      this.#block[this.#filled++] = sample;
      if (this.#filled === BLOCK_SAMPLES) this.#send();
    }
    return true;
  }

  #send() {
    const samples = this.#block.slice(0, this.#filled);
    this.port.postMessage(samples, [samples.buffer]);
    this.#filled = 0;
  }
}

registerProcessor('microphone', MicrophoneProcessor);
