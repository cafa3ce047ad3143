/** Where jobs go, and which. */
export interface QueueSettings {
  /** Redis: `redis://host:6379`. */
  readonly url: string;
  /** Workers of the same name take the jobs. */
  readonly name: string;
  /** Recordings from so long on are transcribed by workers, in milliseconds. */
  readonly fromMs: number;
  /** How long results are kept, and jobs that failed. */
  readonly keepMs: number;
  /** How often a job is tried that fails for no fault of its own. */
  readonly attempts: number;
}

/** What live sessions may take. */
interface RealtimeLimits {
  readonly sessions: number;
  /** How often a client is asked whether it is there. */
  readonly pingMs: number;
  /** Bytes that may wait for a client that does not read. */
  readonly waitingBytes: number;
}

/** How a server listens, whom it serves and what it allows. */
export interface ServeSettings {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM files of `wss:` and `https:`. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | null;
  /** What the model is called: the first is its own name, the others stand for it. */
  readonly modelNames: readonly string[];
  /** Keys of which a client needs one; none: everybody may. */
  readonly keys: readonly string[];
  /** Names that a Host header may have beside `localhost` and addresses. */
  readonly hosts: readonly string[];
  /** Web sites, as `https://example.org`, whose pages may send requests. */
  readonly origins: readonly string[];
  /** Segments decoded side by side. */
  readonly sequences: number;
  /** What segments and live sessions may take beside the model; null: half of what is free at the start. */
  readonly memoryBytes: number | null;
  /** Requests that may wait beyond those. */
  readonly maxWaiting: number;
  /** Bytes of one body. */
  readonly maxBytes: number;
  /** Length of one recording. */
  readonly maxDurationMs: number;
  /** Bytes of all uploads together. */
  readonly spoolBytes: number;
  /** Where uploads lie; null: a folder of the system's temporary one. */
  readonly spoolFolder: string | null;
  /** Null: everything is transcribed here. Otherwise workers share the spool's folder. */
  readonly queue: QueueSettings | null;
  /** Whether formats that are not decoded here go to the program ffmpeg. */
  readonly ffmpeg: boolean;
  /** Longest silence of a client that sends a body. */
  readonly idleTimeoutMs: number;
  /** Longest time from a request's first byte to its answer's last. */
  readonly totalTimeoutMs: number;
  readonly realtime: RealtimeLimits;
  /** How long what runs may go on after the server was told to stop. */
  readonly drainTimeoutMs: number;
  /** For measurements: every segment gets exactly so many tokens. */
  readonly exactTokens: number | null;
}

/** What a queue is unless told otherwise. */
export const DEFAULT_QUEUE_SETTINGS: Omit<QueueSettings, 'url'> = {
  name: 'transcriptions',
  fromMs: 10 * 60_000,
  keepMs: 24 * 3_600_000,
  attempts: 3,
};

/** What a server does unless told otherwise. */
export const DEFAULT_SERVE_SETTINGS: ServeSettings = {
  host: '127.0.0.1',
  port: 8000,
  tls: null,
  modelNames: [],
  keys: [],
  hosts: [],
  origins: [],
  sequences: 8,
  memoryBytes: null,
  maxWaiting: 64,
  maxBytes: 512 * 2 ** 20,
  maxDurationMs: 4 * 3_600_000,
  spoolBytes: 4 * 2 ** 30,
  spoolFolder: null,
  queue: null,
  ffmpeg: true,
  idleTimeoutMs: 30_000,
  totalTimeoutMs: 3_600_000,
  realtime: { sessions: 16, pingMs: 20_000, waitingBytes: 2 ** 22 },
  drainTimeoutMs: 30_000,
  exactTokens: null,
};
