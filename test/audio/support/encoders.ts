import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's encoders and decoders, which ours are compared with, and the packages that have them. */
const PACKAGES = {
  lame: 'lame',
  flac: 'flac',
  oggenc: 'vorbis-tools',
  oggdec: 'vorbis-tools',
  opusenc: 'opus-tools',
  opusdec: 'opus-tools',
  ffmpeg: 'ffmpeg',
} as const;

export type Tool = keyof typeof PACKAGES;

/**
 * For a test's `skip`: false when the tools are there, else what is missing. With CI=true a missing tool is an error.
 */
export function skipWithout(...tools: Tool[]): string | false {
  const missing = tools.filter((tool) => spawnSync(tool, ['--help']).error !== undefined);
  if (missing.length === 0) return false;
  const message = `needs the Debian packages ${missing.map((tool) => PACKAGES[tool]).join(', ')}`;
  assert.notEqual(process.env['CI'], 'true', message);
  return message;
}

/** Runs a tool from the file `input` to the file `output`, whose names the arguments hold in braces. */
export function convert(bytes: Uint8Array, tool: Tool, args: readonly string[]): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-convert-'));
  try {
    const [input, output] = [join(folder, 'input'), join(folder, 'output')];
    writeFileSync(input, bytes);
    const named = args.map((arg) => arg.replace('{input}', input).replace('{output}', output));
    const { status, stderr } = spawnSync(tool, named, { encoding: 'utf8', timeout: 60_000 });
    assert.equal(status, 0, `${tool} ${named.join(' ')}: ${stderr}`);
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A WAV file as a file of each format, with settings that speech is often kept in. */
export const ENCODE = {
  wav: (wav: Uint8Array) => wav,
  mp3: (wav: Uint8Array) => convert(wav, 'lame', ['--quiet', '-b', '64', '{input}', '{output}']),
  flac: (wav: Uint8Array) => convert(wav, 'flac', ['--silent', '-o', '{output}', '{input}']),
  vorbis: (wav: Uint8Array) => convert(wav, 'oggenc', ['-Q', '-o', '{output}', '{input}']),
  opus: (wav: Uint8Array) => convert(wav, 'opusenc', ['--quiet', '{input}', '{output}']),
} as const;

/** The tool that each of these needs. */
export const ENCODER = { wav: null, mp3: 'lame', flac: 'flac', vorbis: 'oggenc', opus: 'opusenc' } as const;

export type EncodedFormat = keyof typeof ENCODE;
