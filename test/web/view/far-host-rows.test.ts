// The table of other sites on the network page (web/view/far-host-rows.ts).
import { expect } from 'chai';
import { farHostRows } from '../../../web/view/far-host-rows.js';

describe('the table of other sites', () => {
  it('hosts are in the order of their sites, with the state of what does not run', () => {
    const none = { version: '0.2.0', applications: [], flows: [] };
    const gsi = {
      ...none,
      name: 'daq1.gsi',
      site: 'gsi',
      applications: [
        { name: 'e1', state: 'running' },
        { name: 'e2', state: 'stopped' },
      ],
      flows: [{ app: 'e1', flow: 'spectra', state: 'running' }],
    };
    expect(farHostRows([gsi, { ...none, name: 'frib', site: 'frib' }])).to.deep.equal([
      ['frib', 'frib', '–', '–'],
      ['gsi', 'daq1.gsi', 'e1, e2 (stopped)', 'e1/spectra'],
    ]);
  });
});
