import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstMicrophone } from '../../src/cli/live/recorder.js';

test("the first microphone of ffmpeg's list, of version 5 and later and of those before", () => {
  // As ffmpeg's own documentation and its users show them (trac.ffmpeg.org/wiki/DirectShow).
  const now = `[dshow @ 000001f0] "Integrated Camera" (video)
[dshow @ 000001f0]   Alternative name "@device_pnp_\\\\?\\usb#vid_04f2"
[dshow @ 000001f0] "Mikrofon (Realtek(R) Audio)" (audio)
[dshow @ 000001f0]   Alternative name "@device_cm_{33D9A762}\\wave_{1A9DF52F}"
[dshow @ 000001f0] "Stereo Mix" (audio)
dummy: Immediate exit requested
`;
  const before = `[dshow @ 03ACF580] DirectShow video devices
[dshow @ 03ACF580]  "Integrated Camera"
[dshow @ 03ACF580] DirectShow audio devices
[dshow @ 03ACF580]  "Internal Microphone (Conexant 2"
[dshow @ 03ACF580]  "virtual-audio-capturer"
`;
  assert.equal(firstMicrophone(now), 'Mikrofon (Realtek(R) Audio)');
  assert.equal(firstMicrophone(before), 'Internal Microphone (Conexant 2');
  assert.equal(firstMicrophone('[dshow @ 1] "Integrated Camera" (video)\n'), null);
  assert.equal(firstMicrophone(''), null);
});
