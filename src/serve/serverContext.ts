import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'hono';
import type { Admission } from './engine/admission.js';
import type { UploadEngine } from './engine/transcribeUpload.js';
import type { Spool } from './http/spool.js';
import type { JobQueue } from './jobs/jobQueue.js';
import type { ServerMetrics } from './serverMetrics.js';
import type { ServeSettings } from './serveSettings.js';

/** What the handlers of a server share. */
export interface ServerContext extends UploadEngine {
  readonly settings: ServeSettings;
  readonly spool: Spool;
  /** Null without a queue. */
  readonly jobs: JobQueue | null;
  readonly admission: Admission;
  readonly metrics: ServerMetrics;
  /** Fires when what still runs is to end. */
  readonly shutdown: AbortSignal;
  /** Seconds since 1970 at which the model was loaded. */
  readonly createdS: number;
}

/** A request as Node has it, beside its form in the web's interfaces. */
export interface NodeBindings {
  readonly Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
}

export type RequestContext = Context<NodeBindings>;
