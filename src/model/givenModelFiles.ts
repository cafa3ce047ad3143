import { QwenAsrError } from '../error.js';
import { isByteInput, takeBytes, viewBytes } from './byteInput.js';
import { describeArgument } from './describe.js';
import type { ModelFile, NamedBytes } from './modelFile.js';

/**
 * The files of a model as a caller gives them: files of a page, streams, or names with bytes.
 *
 * @throws QwenAsrError `usage` for anything else; `file` for a Blob that cannot be read
 */
export async function givenModelFiles(files: Iterable<ModelFile | NamedBytes>): Promise<ModelFile[]> {
  if (typeof files !== 'object' || files === null || !(Symbol.iterator in files)) {
    const expected = 'expected the address of a model or its files';
    throw new QwenAsrError('usage', `model: ${expected}, found ${describeArgument(files)}`);
  }
  return Promise.all(Array.from(files, modelFileOf));
}

async function modelFileOf(file: ModelFile | NamedBytes): Promise<ModelFile> {
  const { name, size, stream, bytes } = Object(file) as Partial<ModelFile & NamedBytes>;
  if (typeof name === 'string' && name !== '') {
    if (isFile(bytes)) return { name, size: bytes.size, stream: () => bytes.stream() };
    if (isByteInput(bytes)) return inMemory(name, bytes);
    if (typeof size === 'number' && typeof stream === 'function') return file as ModelFile;
  }
  const expected = 'expected files with a name and bytes, such as those of a file input';
  throw new QwenAsrError('usage', `model: ${expected}, found ${describeArgument(file)}`);
}

async function inMemory(name: string, input: NamedBytes['bytes']): Promise<ModelFile> {
  const isBlob = 'arrayBuffer' in input;
  const bytes = isBlob ? await takeBytes(input, name) : viewBytes(input, name);
  const stream = () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
  return { name, size: bytes.length, stream };
}

/** A Blob tells its size and can be read piece by piece. */
function isFile(value: unknown): value is Omit<ModelFile, 'name'> {
  const { size, stream } = Object(value) as Partial<ModelFile>;
  return typeof size === 'number' && typeof stream === 'function';
}
