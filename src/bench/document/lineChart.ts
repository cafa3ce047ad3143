import { type LinePicture, SERIES_COLOURS } from '../chart/picture.js';
import type { Chart } from './block.js';

/** Lines with their data as a table. */
export function lineChart(title: string, description: string, picture: LinePicture): Chart {
  const more = picture.lines.length - SERIES_COLOURS;
  return {
    title,
    description: more > 0 ? `${description} ${more} more lines are in the table.` : description,
    picture,
    table: {
      header: ['', picture.xTitle, picture.yTitle, '95 % interval'],
      rows: picture.lines.flatMap((line) =>
        line.points.map(({ x, y, low, high }) => [
          line.title,
          String(Number(x.toPrecision(6))),
          y.toPrecision(4),
          low === null || high === null ? '–' : `${low.toPrecision(4)} … ${high.toPrecision(4)}`,
        ]),
      ),
    },
  };
}
