import { melFloor } from '../melFloor.js';
import { melLog } from '../melLog.js';
import { padColumns } from '../padColumns.js';
import { padReflect } from '../padReflect.js';
import { powerSpectrum } from '../powerSpectrum.js';
import { arrayBytes, f32, type RegisteredKernel } from './exampleCall.js';

/** Frames that the log-mel transforms together, its frequencies with padding, and its filters. */
const FRAMES = 1024;
const BINS = 208;
const FILTERS = 128;

export const padReflectKernel: RegisteredKernel = {
  name: 'padReflect',
  limit: 'memory',
  calls: () => {
    const count = (FRAMES - 1) * 160 + 400;
    const samples = f32(count);
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          padReflect().call({
            samples: allocate(samples),
            n: count - 200,
            first: -200,
            padded: allocate(f32(count)),
            count,
          }),
        flops: 0,
        bytes: 2 * arrayBytes(samples),
      },
    ];
  },
};

export const powerSpectrumKernel: RegisteredKernel = {
  name: 'powerSpectrum',
  limit: 'memory',
  calls: () => {
    const [spectrum, power] = [f32(2 * FRAMES * BINS), f32(FRAMES * BINS)];
    const kernel = powerSpectrum({ bins: BINS, rowsPerTile: 16 });
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) => kernel.call({ spectrum: allocate(spectrum), power: allocate(power), m: FRAMES }),
        flops: 3 * FRAMES * BINS,
        bytes: arrayBytes(spectrum, power),
      },
    ];
  },
};

export const padColumnsKernel: RegisteredKernel = {
  name: 'padColumns',
  limit: 'memory',
  calls: () => {
    const [x, y] = [f32(FILTERS * 201), f32(FILTERS * BINS)];
    return [
      {
        label: 'mel filters',
        call: (allocate) => padColumns({ from: 201, to: BINS }).call({ x: allocate(x), y: allocate(y) }),
        flops: 0,
        bytes: arrayBytes(x, y),
      },
    ];
  },
};

export const melLogKernel: RegisteredKernel = {
  name: 'melLog',
  limit: 'memory',
  calls: () => {
    const [energies, y] = [f32(FILTERS * FRAMES), f32(FILTERS * FRAMES)];
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          melLog({ stride: FRAMES }).call({
            energies: allocate(energies),
            count: FRAMES,
            y: allocate(y),
            yStrideBytes: 4 * FRAMES,
            maxima: allocate(f32(FILTERS)),
          }),
        flops: 0,
        bytes: arrayBytes(energies, y),
      },
    ];
  },
};

export const melFloorKernel: RegisteredKernel = {
  name: 'melFloor',
  limit: 'memory',
  calls: () => {
    const y = f32(FILTERS * FRAMES);
    return [
      {
        label: `${FRAMES} frames`,
        call: (allocate) =>
          melFloor().call({
            maxima: allocate(f32(FILTERS)),
            maximumCount: FILTERS,
            y: allocate(y),
            length: y.length,
          }),
        flops: 0,
        bytes: 2 * arrayBytes(y),
      },
    ];
  },
};
