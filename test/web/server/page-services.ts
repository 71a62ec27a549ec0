/**
 * What a `PageSession` of a test may request: a watch of the test, and records, recordings and
 * controls that do nothing. Used by the tests of pages. Touches no file.
 */
import type { AppWatch } from '../../../web/server/app-watch.js';
import { AppRecords } from '../../../web/server/app-records.js';
import { CALIBRATIONS } from '../../../web/server/calibrations.js';
import { LAYOUTS } from '../../../web/server/layouts.js';
import type { PageSessionServices } from '../../../web/server/page-session.js';
import { Past } from '../../../web/server/past/past.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { silent } from '../../kit/silent-log.js';
import { placesOf } from './past/toy-recording.js';

/** `watch`: the part of a watch that pages use. */
export function pageServices(watch: object): PageSessionServices {
  return {
    log: silent,
    watch: () => watch as AppWatch,
    calibrations: new AppRecords('/nonexistent', CALIBRATIONS, silent),
    layouts: new AppRecords('/nonexistent', LAYOUTS, silent),
    past: new Past({ places: placesOf('/nonexistent'), clock: new ManualClock(), log: silent }),
    followTrends: () => () => undefined,
    followNetwork: () => () => undefined,
    controlApplication: () => Promise.resolve(),
    controlPlayer: () => Promise.resolve(),
  };
}
