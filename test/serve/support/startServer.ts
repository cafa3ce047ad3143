import { type OpenedServer, openServer } from '../../../src/serve/openServer.js';
import { DEFAULT_SERVE_SETTINGS, type ServeSettings } from '../../../src/serve/serveSettings.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import type { Aligner } from '../../../src/transcribe/types.js';
import { demoModelDir } from '../../support/projectRoot.js';

export interface TestServer extends OpenedServer {
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

/** A server of the demo model in this process, on a port of its own. */
export async function startServer(
  settings: Partial<ServeSettings> = {},
  aligner: Aligner | null = null,
): Promise<TestServer> {
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  const own = { port: 0, modelNames: ['demo', 'whisper-1', 'gpt-4o-transcribe'] };
  const notes: string[] = [];
  const extras = { aligner, onNote: (note: string) => notes.push(note) };
  const server = await openServer(model, { ...DEFAULT_SERVE_SETTINGS, ...own, ...settings }, extras);
  return {
    ...server,
    notes,
    stop: async () => {
      await server.drain();
      await model.close();
    },
  };
}
