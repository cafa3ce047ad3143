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
  /** What was transcribed here; a promise while a stream goes on. */
  readonly done: UploadTranscript | Promise<UploadTranscript> | null;
}

/**
 * Carries out a request that uploads a recording as a form.
 *
 * @throws what `answer` throws; or why the request was ended
 */
export function withUpload(
  server: ServerContext,
  { env }: RequestContext,
  answer: (form: FileForm, scope: RequestScope) => Promise<RunningAnswer>,
): Promise<Response> {
  return withWork(server, env.outgoing, async (scope, keep) => {
    const { fields, file } = await readForm(env.incoming, server.spool, server.settings, scope.signal);
    if (file === null) throw badField('file', 'expected a recording, found none', 'missing_parameter');
    keep(file);
    if (file.bytes === 0) throw badField('file', 'expected a recording, found an empty file');
    return answer({ fields, file }, scope);
  });
}

/**
 * Carries out a request over a recording: admits it, and lets go of everything when the answer is complete, whatever
 * becomes of it.
 *
 * @param answer `keep` is told of the file as soon as there is one
 * @throws ApiError 429, 503; what `answer` throws; or why the request was ended
 */
export async function withWork(
  { admission, settings, shutdown, metrics }: ServerContext,
  outgoing: RequestContext['env']['outgoing'],
  answer: (scope: RequestScope, keep: (file: SpoolFile) => void) => Promise<RunningAnswer>,
): Promise<Response> {
  const leave = admission.enter();
  const scope = new RequestScope(outgoing, settings.totalTimeoutMs, shutdown);
  let kept: SpoolFile | null = null;
  const keep = (file: SpoolFile): void => {
    kept = file;
  };
  const finish = async (): Promise<void> => {
    await kept?.remove();
    scope.close();
    leave();
  };
  const count = ({ transcript }: UploadTranscript): void =>
    metrics.audioSeconds.inc(transcript.durationMs / 1000);
  try {
    const { response, done } = await answer(scope, keep);
    if (done instanceof Promise) {
      void done.then(count, () => {}).then(finish);
    } else {
      if (done !== null) count(done);
      await finish();
    }
    return response;
  } catch (error) {
    await finish();
    throw scope.reasonFor(error);
  }
}
