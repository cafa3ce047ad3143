import { MEL_FLOOR_SLOTS, MEL_FLOOR_TILE, melFloor } from '../melFloor.js';
import { MEL_LOG_SLOTS, melLog } from '../melLog.js';
import { PAD_COLUMNS_SLOTS, padColumns } from '../padColumns.js';
import { PAD_REFLECT_SLOTS, PAD_REFLECT_TILE, padReflect } from '../padReflect.js';
import { POWER_SPECTRUM_SLOTS, powerSpectrum } from '../powerSpectrum.js';
import { arrayBytes, type ExampleArray, f32, type RegisteredKernel } from './exampleCall.js';

/** Frames that the log-mel transforms together, its frequencies with padding, and its filters. */
const FRAMES = 1024;
const BINS = 208;
const FILTERS = 128;

export const padReflectKernel: RegisteredKernel = {
  name: 'padReflect',
  limit: 'memory',
  calls: () => {
    const count = (FRAMES - 1) * 160 + 400;
    const [samples, padded] = [f32(count), f32(count)];
    const slots: (number | ExampleArray)[] = [];
    slots[PAD_REFLECT_SLOTS.samples] = samples;
    slots[PAD_REFLECT_SLOTS.n] = count - 200;
    slots[PAD_REFLECT_SLOTS.first] = -200;
    slots[PAD_REFLECT_SLOTS.padded] = padded;
    slots[PAD_REFLECT_SLOTS.count] = count;
    const tiles = Math.ceil(count / PAD_REFLECT_TILE);
    const bytes = arrayBytes(samples, padded);
    return [{ label: `${FRAMES} frames`, spec: padReflect(), slots, tiles, flops: 0, bytes }];
  },
};

export const powerSpectrumKernel: RegisteredKernel = {
  name: 'powerSpectrum',
  limit: 'memory',
  calls: () => {
    const [spectrum, power] = [f32(2 * FRAMES * BINS), f32(FRAMES * BINS)];
    const slots: (number | ExampleArray)[] = [];
    slots[POWER_SPECTRUM_SLOTS.spectrum] = spectrum;
    slots[POWER_SPECTRUM_SLOTS.power] = power;
    slots[POWER_SPECTRUM_SLOTS.m] = FRAMES;
    const rowsPerTile = 16;
    return [
      {
        label: `${FRAMES} frames`,
        spec: powerSpectrum({ bins: BINS, rowsPerTile }),
        slots,
        tiles: FRAMES / rowsPerTile,
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
    const slots: (number | ExampleArray)[] = [];
    slots[PAD_COLUMNS_SLOTS.x] = x;
    slots[PAD_COLUMNS_SLOTS.y] = y;
    const spec = padColumns({ from: 201, to: BINS });
    return [{ label: 'mel filters', spec, slots, tiles: FILTERS, flops: 0, bytes: arrayBytes(x, y) }];
  },
};

export const melLogKernel: RegisteredKernel = {
  name: 'melLog',
  limit: 'memory',
  calls: () => {
    const [energies, y] = [f32(FILTERS * FRAMES), f32(FILTERS * FRAMES)];
    const slots: (number | ExampleArray)[] = [];
    slots[MEL_LOG_SLOTS.energies] = energies;
    slots[MEL_LOG_SLOTS.count] = FRAMES;
    slots[MEL_LOG_SLOTS.y] = y;
    slots[MEL_LOG_SLOTS.yStrideBytes] = 4 * FRAMES;
    slots[MEL_LOG_SLOTS.maxima] = f32(FILTERS);
    const spec = melLog({ stride: FRAMES });
    return [
      { label: `${FRAMES} frames`, spec, slots, tiles: FILTERS, flops: 0, bytes: arrayBytes(energies, y) },
    ];
  },
};

export const melFloorKernel: RegisteredKernel = {
  name: 'melFloor',
  limit: 'memory',
  calls: () => {
    const y = f32(FILTERS * FRAMES);
    const slots: (number | ExampleArray)[] = [];
    slots[MEL_FLOOR_SLOTS.maxima] = f32(FILTERS);
    slots[MEL_FLOOR_SLOTS.maximumCount] = FILTERS;
    slots[MEL_FLOOR_SLOTS.y] = y;
    slots[MEL_FLOOR_SLOTS.length] = y.length;
    const tiles = Math.ceil(y.length / MEL_FLOOR_TILE);
    const bytes = 2 * arrayBytes(y);
    return [{ label: `${FRAMES} frames`, spec: melFloor(), slots, tiles, flops: 0, bytes }];
  },
};
