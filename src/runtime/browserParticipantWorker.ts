import { type ParticipantMessage, type ParticipantReply, WasmParticipant } from './wasmParticipant.js';

/* The program of a browser's worker that takes part in passes; started by browserParticipantThread.ts. */

interface WorkerScope {
  onmessage: ((event: { readonly data: ParticipantMessage }) => void) | null;
  postMessage(reply: ParticipantReply): void;
}

const scope = globalThis as unknown as WorkerScope;
const participant = new WasmParticipant();
scope.onmessage = ({ data }) => {
  const reply = participant.receive(data);
  if (reply !== null) scope.postMessage(reply);
};
