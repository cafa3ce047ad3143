import { type OpenedWorker, openWorker, type WorkerSettings } from '../../../src/serve/jobs/openWorker.js';
import { DEFAULT_SERVE_SETTINGS } from '../../../src/serve/serveSettings.js';
import { loadModel } from '../../../src/transcribe/loadModel.js';
import { demoModelDir } from '../../support/projectRoot.js';

export interface TestWorker extends OpenedWorker {
  readonly notes: readonly string[];
  stop(): Promise<void>;
}

/** A worker of the demo model in this process. */
export async function startWorker(
  settings: Pick<WorkerSettings, 'url' | 'name' | 'spoolFolder'> & Partial<WorkerSettings>,
): Promise<TestWorker> {
  const model = await loadModel(demoModelDir, { precision: 'f32' });
  const notes: string[] = [];
  const own = { ...DEFAULT_SERVE_SETTINGS, jobs: 2, lockMs: 1000, ...settings };
  const worker = await openWorker(model, own, null, (note) => notes.push(note));
  const drain = () => worker.drain();
  return {
    notes,
    drain,
    stop: async () => {
      await drain();
      await model.close();
    },
  };
}
