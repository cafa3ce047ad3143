import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureEnvironment, captureMachine } from '../../src/bench/environment/captureMachine.js';
import { darwinTopology, parseDarwinTopology } from '../../src/runtime/system/darwinTopology.js';

/** As sysctl(8) prints the figures that Apple publishes of an M1: four fast and four slow cores. */
const M1 = `hw.physicalcpu: 8
hw.logicalcpu: 8
hw.perflevel0.physicalcpu: 4
hw.l1dcachesize: 65536
hw.perflevel0.l1dcachesize: 131072
hw.l2cachesize: 4194304
hw.perflevel0.l2cachesize: 12582912
`;

/** A Core i7-9750H: six cores of two hyper-threads; other names are unknown. */
const INTEL = `hw.physicalcpu: 6
hw.logicalcpu: 12
hw.l1dcachesize: 32768
hw.l2cachesize: 262144
hw.l3cachesize: 12582912
`;

test('of Apple silicon the fast cores are told and their caches', () => {
  assert.deepEqual(parseDarwinTopology(M1), {
    cores: 8,
    fastCores: 4,
    simultaneousMultithreading: false,
    numaNodes: null,
    caches: { l1dBytes: 131072, l2Bytes: 12582912, l3Bytes: null },
  });
});

test('of Intel all cores are', () => {
  assert.deepEqual(parseDarwinTopology(INTEL), {
    cores: 6,
    fastCores: 6,
    simultaneousMultithreading: true,
    numaNodes: null,
    caches: { l1dBytes: 32768, l2Bytes: 262144, l3Bytes: 12582912 },
  });
});

test('where sysctl says nothing nothing is known', () => {
  assert.equal(parseDarwinTopology(''), null);
  if (process.platform !== 'darwin') assert.equal(darwinTopology(), null);
});

test('results of a Mac state its cores and caches', () => {
  const nothing = (): null => null;
  const { physicalCores, caches } = captureMachine(nothing, parseDarwinTopology(M1));
  assert.deepEqual([physicalCores, caches?.l2Bytes], [8, 12582912]);
  const { simultaneousMultithreading, numaNodes } = captureEnvironment(
    nothing,
    {},
    parseDarwinTopology(INTEL),
  );
  assert.deepEqual([simultaneousMultithreading, numaNodes], [true, null]);
});
