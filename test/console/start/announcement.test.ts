/** The texts that `mirrorflow start` prints. Pure. */
import { expect } from 'chai';
import { announcement, pulseLine } from '../../../console/start/announcement.js';

const FACTS = {
  app: 'demo',
  source: 'spectcl://127.0.0.1?rest=1&mirror=2',
  simulator: true,
  spectra: 11,
  memoryBytes: 2 ** 20,
  image: '/dev/shm/mirrorflow-1/demo/spectra.image',
  hostPid: 7,
  ownHost: true,
  options: ['--directory', '/tmp/x'],
  spectrum: "it's",
};
const plain = (text: string): string => text;

describe('the texts of start', () => {
  it('the announcement names the mirror and three commands that find it', () => {
    const lines = announcement(FACTS, plain);
    expect(lines.join('\n')).to.contain('11 in 1 MiB').and.to.contain('simulator');
    expect(lines.filter((line) => line.includes('npx')).map((line) => line.trim())).to.deep.equal([
      'npx mirrorflow spectra --directory /tmp/x',
      String.raw`npx mirrorflow show 'it'\''s' --watch --directory /tmp/x`,
      'npx mirrorflow stats --watch --directory /tmp/x',
    ]);
  });

  it('the announcement of a SpecTcl mentions no simulator and suggests no missing spectrum', () => {
    const text = announcement({ ...FACTS, simulator: false, spectrum: undefined }, plain).join('\n');
    expect(text).to.not.contain('simulator').and.to.not.contain('show');
  });

  it('the announcement has the address of the viewer, or the log when a wanted one did not start', () => {
    const address = 'http://127.0.0.1:7391/';
    const running = announcement({ ...FACTS, web: address, log: '/tmp/x/log' }, plain).join('\n');
    expect(running).to.contain(address).and.to.not.contain('/tmp/x/log');
    const missing = announcement({ ...FACTS, log: '/tmp/x/log' }, plain).join('\n');
    expect(missing).to.contain('did not start').and.to.contain('/tmp/x/log');
    expect(announcement(FACTS, plain).join('\n')).to.not.contain('viewer');
  });

  it('the status line shows rates from the second sample on', () => {
    expect(pulseLine({ state: 'live', published: 12_345, updates: 9.94, bytes: 2 ** 20 })).to.equal(
      'live  12,345 published  9.94 updates/s  1 MiB/s  (Ctrl-C stops)',
    );
    expect(pulseLine({ state: 'stale', published: 1, updates: undefined, bytes: undefined })).to.contain(
      'stale',
    );
  });
});
