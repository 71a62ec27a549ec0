/** The trends of all applications, with a source whose measurement takes long. */
import { expect } from 'chai';
import type { AppWatch } from '../../../../web/server/app-watch.js';
import type { ScalerReader } from '../../../../web/server/trends/scaler-reader.js';
import { Trends } from '../../../../web/server/trends/trends.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { silent } from '../../../kit/silent-log.js';
import { TemporaryDirectory } from '../../../kit/temporary-directory.js';

const MEASUREMENT_MS = 300;

describe('the trends of all applications', () => {
  it('measurements that take long leave the viewer four fifths of its time', async () => {
    const directory = new TemporaryDirectory();
    const manual = new ManualClock();
    let spentMs = 0;
    const clock = {
      nowMs: () => manual.nowMs() + spentMs,
      after: manual.after.bind(manual),
    };
    const scalers = {
      rate: () => void (spentMs += MEASUREMENT_MS),
      keepOnly: () => undefined,
      close: () => Promise.resolve(),
    } as unknown as ScalerReader;
    const trends = new Trends({
      watch: (app) => ({ app, status: { state: 'live' } }) as unknown as AppWatch,
      scalers: () => scalers,
      stateDirectory: directory.path,
      alarmActions: undefined,
      clock,
      wallMs: () => clock.nowMs(),
      log: silent,
    });
    try {
      const source = { kind: 'scaler', flow: 'scalers', field: 'beam' } as const;
      trends.records.trends.set('e1', 'beam', { source, thresholds: [] });
      for (let second = 0; second < 60; second += 1) manual.advance(1_000);
      expect(spentMs).to.be.above(10 * MEASUREMENT_MS);
      expect(spentMs).to.be.at.most(clock.nowMs() / 5 + MEASUREMENT_MS);
    } finally {
      await trends.close();
      directory.remove();
    }
  });
});
