import { badField } from '../apiError.js';
import type { UploadTranscript } from '../engine/transcribeUpload.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import { readForm, type UploadForm } from './readForm.js';
import { RequestScope } from './requestScope.js';
import type { SpoolFile } from './spool.js';

/** A form that has a file. */
export interface FileForm {
  readonly fields: UploadForm['fields'];
  readonly file: SpoolFile;
}

/** An answer that may be under way while its work goes on. */
export interface RunningAnswer {
  readonly response: Response;
  /** What was transcribed; a promise while a stream goes on. */
  readonly done: UploadTranscript | Promise<UploadTranscript>;
}

/**
 * Carries out a request that uploads a recording: admits it, reads its form, and lets go of everything when the answer is
 * complete, whatever becomes of it.
 *
 * @throws what `answer` throws; or why the request was ended
 */
export async function withUpload(
  server: ServerContext,
  { env }: RequestContext,
  answer: (form: FileForm, scope: RequestScope) => Promise<RunningAnswer>,
): Promise<Response> {
  const { spool, settings } = server;
  const work = beginWork(server, env.outgoing);
  let file: SpoolFile | null = null;
  const finish = async (): Promise<void> => {
    await file?.remove();
    work.end();
  };
  try {
    const form = await readForm(env.incoming, spool, settings, work.scope.signal);
    file = form.file;
    if (file === null) throw badField('file', 'expected a recording, found none', 'missing_parameter');
    if (file.bytes === 0) throw badField('file', 'expected a recording, found an empty file');
    const { response, done } = await answer({ fields: form.fields, file }, work.scope);
    await work.finish(done, finish);
    return response;
  } catch (error) {
    await finish();
    throw work.scope.reasonFor(error);
  }
}

/** One request that is being worked on. */
interface Work {
  readonly scope: RequestScope;
  /** Counts what was transcribed and calls `finish`, at once unless it still goes on. */
  finish(done: RunningAnswer['done'], finish: () => Promise<void>): Promise<void>;
  end(): void;
}

/** @throws ApiError 429, 503 */
export function beginWork(
  { admission, settings, shutdown, metrics }: ServerContext,
  outgoing: RequestContext['env']['outgoing'],
): Work {
  const leave = admission.enter();
  const scope = new RequestScope(outgoing, settings.totalTimeoutMs, shutdown);
  return {
    scope,
    finish: async (done, finish) => {
      const count = ({ transcript }: UploadTranscript): void =>
        metrics.audioSeconds.inc(transcript.durationMs / 1000);
      if (done instanceof Promise) {
        void done.then(count, () => {}).then(finish);
        return;
      }
      count(done);
      await finish();
    },
    end: () => {
      scope.close();
      leave();
    },
  };
}
