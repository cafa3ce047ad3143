import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { ApiError, badField } from '../apiError.js';
import type { Spool, SpoolFile } from './spool.js';

/** What a form may have beside its file. */
const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 256 * 1024;
const MAX_NAME_BYTES = 200;
const MAX_HEADER_PAIRS = 32;
const MAX_HEADER_BYTES = 16_384;

/** What the parser may take for what it has been given, without a byte of the file coming out. */
const PARSER_MS = 1000;

/** A form as it came. */
export interface UploadForm {
  /** Values by field, in their order. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** The field `file`; the reader has to remove it. */
  readonly file: SpoolFile | null;
}

/** What is allowed to a body. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly idleTimeoutMs: number;
}

/**
 * Reads a form with one file, which goes to the spool as it comes. Bytes are counted, whatever the headers say; what the
 * parser would cut off is refused.
 *
 * @throws ApiError 400 for what is no such form, 408, 413, 503; the file is removed then
 */
export async function readForm(
  request: IncomingMessage,
  spool: Spool,
  { maxBytes, idleTimeoutMs }: BodyLimits,
  signal: AbortSignal,
): Promise<UploadForm> {
  const parser = parserFor(request, maxBytes);
  const form = new FormInProgress(spool, maxBytes);
  const idle = setTimeout(() => form.fail(tooSlow()), idleTimeoutMs);
  let received = 0;
  // Of some forms that are malformed the parser says nothing, and takes nothing more.
  const stalled = setTimeout(() => {
    if (request.readableEnded || parser.writableNeedDrain) form.fail(malformed());
    else stalled.refresh();
  }, PARSER_MS);
  form.onProgress = () => stalled.refresh();
  request.on('data', (piece: Buffer) => {
    idle.refresh();
    stalled.refresh();
    received += piece.length;
    if (received > maxBytes + MAX_FIELDS * MAX_FIELD_BYTES) form.fail(tooLarge('the body', maxBytes));
  });
  request.on('error', () => form.fail(cutShort()));
  request.on('close', () => {
    if (!request.complete) form.fail(cutShort());
  });
  const stop = (): void => form.fail(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  form.listen(parser);
  request.pipe(parser);
  try {
    return await form.done;
  } catch (error) {
    await form.discard();
    throw error;
  } finally {
    clearTimeout(idle);
    clearTimeout(stalled);
    signal.removeEventListener('abort', stop);
    request.unpipe(parser);
    parser.removeAllListeners('error').on('error', () => {});
  }
}

function parserFor(request: IncomingMessage, maxBytes: number): BusboyInstance {
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) {
    const found = type === '' ? 'none' : JSON.stringify(type.slice(0, 100));
    throw new ApiError(400, `expected a body of type multipart/form-data, found ${found}`, {
      reason: 'invalid_content_type',
    });
  }
  try {
    return new Busboy({
      headers: { ...request.headers, 'content-type': type },
      // Some clients give a file neither a name nor a type.
      isPartAFile: (field, _, fileName) => field === 'file' || fileName !== undefined,
      limits: {
        fileSize: maxBytes,
        files: 2,
        fields: MAX_FIELDS,
        parts: MAX_FIELDS + 2,
        fieldSize: MAX_FIELD_BYTES,
        fieldNameSize: MAX_NAME_BYTES,
        headerPairs: MAX_HEADER_PAIRS,
        headerSize: MAX_HEADER_BYTES,
      },
    });
  } catch (cause) {
    throw new ApiError(400, 'expected a multipart body with a boundary', { reason: 'invalid_form', cause });
  }
}

/** What has been read of a form. */
class FormInProgress {
  readonly done: Promise<UploadForm>;
  readonly #spool: Spool;
  readonly #maxBytes: number;
  readonly #fields = new Map<string, string[]>();
  #file: Promise<SpoolFile> | null = null;
  #stream: BusboyFileStream | null = null;
  /** Comes with every piece of the file that lies in the spool. */
  onProgress: () => void = () => {};
  #resolve: (form: UploadForm) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(spool: Spool, maxBytes: number) {
    this.#spool = spool;
    this.#maxBytes = maxBytes;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  listen(parser: BusboyInstance): void {
    const cut = (what: string) => () => this.fail(tooLarge(what));
    parser
      .on('field', (given: string | undefined, value, nameIsCut, valueIsCut) => {
        const name = given ?? '';
        if (nameIsCut || valueIsCut) this.fail(tooLarge(`the field ${JSON.stringify(name.slice(0, 50))}`));
        else this.#fields.set(name, [...(this.#fields.get(name) ?? []), value]);
      })
      .on('file', (name, stream) => this.#take(name, stream))
      .on('partsLimit', cut('the number of parts'))
      .on('fieldsLimit', cut('the number of fields'))
      .on('filesLimit', cut('the number of files'))
      .on('error', (cause: unknown) => {
        this.fail(
          new ApiError(400, 'the form is malformed or ends too early', { reason: 'invalid_form', cause }),
        );
      })
      .on('finish', () => void this.#finish());
  }

  fail(error: ApiError): void {
    this.#reject(error);
  }

  /** Removes what was kept. */
  async discard(): Promise<void> {
    this.#stream?.destroy();
    const file = await this.#file?.catch(() => null);
    await file?.remove();
  }

  /** @param given undefined for a part without a name, which the parser's types do not know */
  #take(given: string | undefined, stream: BusboyFileStream): void {
    const name = given ?? '';
    // The parser tells it, whether somebody reads the file or not; who does hears of it too.
    stream.on('error', (cause: unknown) => this.fail(malformed(cause)));
    if (name !== 'file' || this.#file !== null) {
      stream.resume();
      this.fail(badField(name.slice(0, 50), `expected one file, in the field file`));
      return;
    }
    this.#stream = stream;
    this.#file = this.#keep(stream);
    this.#file.catch((error) => this.#reject(error));
  }

  async #keep(stream: BusboyFileStream): Promise<SpoolFile> {
    const file = await this.#spool.create();
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        await file.write(piece);
        this.onProgress();
      }
      await file.close();
      if (stream.truncated) throw tooLarge('the file', this.#maxBytes);
      return file;
    } catch (error) {
      this.#reject(error); // what leaving the loop does to the stream is no reason
      stream.resume();
      await file.remove();
      throw error;
    }
  }

  async #finish(): Promise<void> {
    try {
      this.#resolve({ fields: this.#fields, file: await this.#file });
    } catch (error) {
      this.#reject(error);
    }
  }
}

function tooLarge(what: string, maxBytes?: number): ApiError {
  const limit = maxBytes === undefined ? '' : `: expected at most ${maxBytes} bytes`;
  return new ApiError(413, `${what} is too large${limit}`, { param: 'file', reason: 'too_large' });
}

function malformed(cause?: unknown): ApiError {
  return new ApiError(400, 'the form is malformed or ends too early', { reason: 'invalid_form', cause });
}

function tooSlow(): ApiError {
  return new ApiError(408, 'the body did not come in time', { reason: 'timeout' });
}

function cutShort(): ApiError {
  return new ApiError(400, 'the body ended before its end', { reason: 'incomplete_body' });
}
