import { parentPort } from 'node:worker_threads';
import { type ParticipantMessage, WasmParticipant } from './wasmParticipant.js';

/* The program of a worker thread of Node that takes part in passes; started by nodeParticipantThread.ts. */

const participant = new WasmParticipant();
parentPort?.on('message', (message: ParticipantMessage) => {
  const reply = participant.receive(message);
  if (reply !== null) parentPort?.postMessage(reply);
});
