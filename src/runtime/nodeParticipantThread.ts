import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { wasmFeatures } from '../jit/wasm/webAssembly.js';
import { type ParticipantReply, type ParticipantThread, participantSource } from './wasmParticipant.js';

/** What a worker thread of Node runs to take part in passes. */
const program = () => `
const { parentPort } = require('node:worker_threads');
const participant = ${participantSource()};
parentPort.on('message', (message) => {
  const reply = participant.receive(message);
  if (reply !== null) parentPort.postMessage(reply);
});`;

/** A participant on a worker thread of Node. */
export function spawnNodeParticipant(): ParticipantThread {
  // Without the process's own flags: some, such as --input-type, stop a worker from starting.
  const worker = new Worker(program(), { eval: true, execArgv: [] });
  let ending = false;
  return {
    post: (message) => worker.postMessage(message),
    onReply: (listener) => void worker.on('message', (reply: ParticipantReply) => listener(reply)),
    onFailure: (listener) => {
      worker.on('error', (error) => listener(error.message));
      worker.on('exit', (code) => {
        if (!ending) listener(`exit code ${code}`);
      });
    },
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: async () => {
      ending = true;
      await worker.terminate();
    },
  };
}

/**
 * Switches relaxed SIMD on where V8 has it behind a flag (Node 20): fused multiply-add nearly doubles the matrix
 * products there. Must run before the first module and worker are made; does nothing where the flag is gone.
 */
export function enableRelaxedSimd(): void {
  if (!wasmFeatures().relaxedSimd) setFlagsFromString('--experimental-wasm-relaxed-simd');
}
