import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveTranscript } from '../../src/cli/resultSinks.js';
import type { SegmentToken } from '../../src/transcribe/types.js';
import { segmentSaying } from '../transcribe/formats/support.js';

const RECORDING = { input: 'talk.wav', name: 'talk.wav' };

/** What stands on the terminal, and functions that go on. */
function live() {
  const pieces: string[] = [];
  const sink = new LiveTranscript((text) => pieces.push(text));
  return {
    pieces,
    shown: () => pieces.join(''),
    say: (segment: number, textPiece: string) =>
      sink.token({
        segment,
        textPiece,
        rawPiece: textPiece,
        id: 1,
        index: 0,
        logProbability: 0,
        atMs: 0,
      } satisfies SegmentToken),
    end: (text: string) => sink.segment(RECORDING, segmentSaying(text)),
    finish: () => sink.finish(),
    close: () => sink.close(),
  };
}

test('text appears piece by piece, a line in the end', () => {
  const { pieces, say, end, finish, close } = live();
  for (const piece of ['', 'Good', ' morning', '.']) say(0, piece);
  end('Good morning.');
  finish();
  close();
  assert.deepEqual(pieces, ['Good', ' morning', '.', '\n']);
});

test('what later segments say waits for its turn', () => {
  const { shown, say, end, close } = live();
  say(1, 'Two');
  say(0, 'One');
  say(2, 'Three.');
  assert.equal(shown(), 'One');
  say(0, '.');
  end('One.');
  assert.equal(shown(), 'One. Two');
  say(1, '.');
  end('Two.');
  end('Three.');
  close();
  assert.equal(shown(), 'One. Two. Three.\n');
});

test('silence between segments, and scripts without spaces', () => {
  const { shown, say, end, close } = live();
  end('');
  say(1, '早上好。');
  end('早上好。');
  end('');
  say(3, '你好');
  end('你好');
  close();
  assert.equal(shown(), '早上好。你好\n');
});

test('a text that changed at its end is shown anew, and the next goes on behind it', () => {
  const { shown, say, end, close } = live();
  say(0, 'One.');
  end('One.');
  say(1, 'no no no');
  end('no');
  say(2, 'Yes.');
  end('Yes.');
  close();
  assert.equal(shown(), 'One. no no no\nno Yes.\n');
});

test('a text of which nothing was shown is shown whole', () => {
  const { shown, end, close } = live();
  end('One.');
  end('Two.');
  close();
  assert.equal(shown(), 'One. Two.\n');
});

test('silence alone writes its empty line', () => {
  const { shown, end, finish, close } = live();
  end('');
  finish();
  close();
  assert.equal(shown(), '\n');
});
