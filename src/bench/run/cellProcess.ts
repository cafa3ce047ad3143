import { QwenAsrError } from '../../error.js';
import { loadModel } from '../../transcribe/loadModel.js';
import { RunMeters } from '../meters/runMeters.js';
import { type CellSession, loadBenchmarkAudio } from './cellSession.js';
import type { CellAnswer, CellRequest } from './isolatedCells.js';
import { ModelPool, openModelCell } from './openModelCell.js';

/*
 * The main program of a cell's own process (--isolate): it loads the model, and runs whenever it is told to. Started
 * by openIsolatedCell, which it talks to over Node's channel; without that it ends.
 */

const pool = new ModelPool({ load: loadModel });
let session: CellSession | undefined;

// Ctrl-C reaches every process of the terminal; this one ends when its parent says so, or is gone.
process.on('SIGINT', () => {});
if (process.platform === 'win32') process.on('SIGBREAK', () => {});
process.on('disconnect', () => process.exit());
process.on('message', (request: CellRequest) => {
  answer(request).then(say, (error: unknown) => {
    const known = error instanceof QwenAsrError;
    say({
      answer: 'error',
      code: known ? error.code : 'internal',
      message: error instanceof Error ? error.message : String(error),
    });
  });
});
if (process.send === undefined) process.exit(1);

function say(answer: CellAnswer): void {
  process.send?.(answer);
}

async function answer(request: CellRequest): Promise<CellAnswer> {
  switch (request.request) {
    case 'open': {
      const parts = { pool, meters: new RunMeters(), audio: await loadBenchmarkAudio(request.plan.audio) };
      session = await openModelCell(request.plan, parts, {
        onBackend: (choice) => say({ answer: 'backend', choice }),
      });
      return { answer: 'open', facts: session.facts };
    }
    case 'run': {
      const run = await opened().run();
      return { answer: 'run', run, work: opened().work(run) };
    }
    case 'ceilings':
      return { answer: 'ceilings', ceilings: await opened().measureCeilings() };
    case 'close':
      await pool.close();
      return process.exit();
  }
}

function opened(): CellSession {
  if (session === undefined) throw new QwenAsrError('internal', 'cell process: expected to be opened first');
  return session;
}
