import type { Drawing } from './drawing.js';
import type { Picture } from './picture.js';
import { drawLines, drawRoofline, drawRunOrder } from './svgPlots.js';
import { drawBars, drawColumns, drawIntervals } from './svgRows.js';
import { drawSamples } from './svgSamples.js';

/**
 * A picture as the content of an SVG element.
 *
 * @param width in pixels; colours come from the page's style sheet
 */
export function svgPicture(picture: Picture, width: number): Drawing {
  switch (picture.kind) {
    case 'lines':
      return drawLines(picture, width);
    case 'intervals':
      return drawIntervals(picture, width);
    case 'bars':
      return picture.upright ? drawColumns(picture, width) : drawBars(picture, width);
    case 'samples':
      return drawSamples(picture, width);
    case 'runOrder':
      return drawRunOrder(picture, width);
    case 'roofline':
      return drawRoofline(picture, width);
  }
}
