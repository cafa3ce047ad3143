import { ApiError, badField } from '../apiError.js';
import { FormFields } from '../http/formFields.js';
import { withUpload } from '../http/withUpload.js';
import { readServedRequest } from '../openai/transcriptionRoute.js';
import type { RequestContext, ServerContext } from '../serverContext.js';
import type { JobQueue, JobView } from './jobQueue.js';
import type { JobProgress, JobResult } from './transcriptionJob.js';

/** `POST /v1/jobs`: a transcription request that does not wait for its answer. */
export async function postJob(server: ServerContext, context: RequestContext): Promise<Response> {
  const jobs = queueOf(server);
  return withUpload(server, context, async ({ fields, file }) => {
    const id = new FormFields(fields).text('id');
    const own = new Map([...fields].filter(([name]) => name !== 'id'));
    if (readServedRequest(server, own).stream) throw badField('stream', 'a job cannot be streamed');
    const job = await jobs.add(id, file, own);
    const status = job.finishedMs === null ? 202 : 200;
    const headers = { location: `/v1/jobs/${job.id}` };
    return { response: Response.json(jobObject(job), { status, headers }), done: null };
  });
}

/** `GET /v1/jobs/{id}`. */
export async function getJob(server: ServerContext, id: string): Promise<Response> {
  const job = await queueOf(server).find(id);
  if (job === null) throw noSuchJob();
  return Response.json(jobObject(job), { headers: job.result?.headers ?? {} });
}

/** `DELETE /v1/jobs/{id}`. */
export async function deleteJob(server: ServerContext, id: string): Promise<Response> {
  if (!(await queueOf(server).delete(id))) throw noSuchJob();
  return Response.json({ id, object: OBJECT, deleted: true });
}

const OBJECT = 'transcription.job';

function jobObject({ id, status, createdMs, finishedMs, progress, result, error }: JobView) {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  return {
    id,
    object: OBJECT,
    status,
    created_at: seconds(createdMs),
    finished_at: finishedMs === null ? null : seconds(finishedMs),
    progress: result === null ? shareOf(progress) : 1,
    result: result === null ? null : contentOf(result),
    error: error === null ? null : error.toJSON().error,
  };
}

/** How much of the recording is transcribed. */
function shareOf(progress: JobProgress | null): number {
  return progress === null ? 0 : Math.min(1, progress.doneMs / Math.max(1, progress.durationMs));
}

function contentOf({ type, body }: JobResult): unknown {
  return type === 'application/json' ? JSON.parse(body) : body;
}

function queueOf({ jobs }: ServerContext): JobQueue {
  if (jobs !== null) return jobs;
  throw new ApiError(404, 'this server has no queue (--queue)', { reason: 'not_found' });
}

function noSuchJob(): ApiError {
  return new ApiError(404, 'there is no such job', { reason: 'job_not_found' });
}
