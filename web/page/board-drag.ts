/**
 * Dragging the title of a plot onto another plot, which moves it there. `Board` calls it for each
 * plot. Listens on the card of the plot.
 */
import type { Plot } from './plot.js';

/** The type of dragged data: the index of a plot. */
const DRAG_TYPE = 'text/x-mirrorflow-plot';

/** `moveHere`: moves the plot with an index to the place of this one. */
export function attachDragging(plot: Plot, indexOf: () => number, moveHere: (from: number) => void): void {
  const { element: card } = plot;
  card.addEventListener('dragstart', ({ dataTransfer }) => {
    dataTransfer?.setData(DRAG_TYPE, String(indexOf()));
  });
  card.addEventListener('dragover', (event) => {
    if (event.dataTransfer?.types.includes(DRAG_TYPE) === true) event.preventDefault();
  });
  card.addEventListener('drop', (event) => {
    const from = event.dataTransfer?.getData(DRAG_TYPE) ?? '';
    if (from === '') return;
    event.preventDefault();
    moveHere(Number(from));
  });
}
