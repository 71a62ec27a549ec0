/** Where recorders write is asked once in a while, and never holds a page up for long. */
import { expect } from 'chai';
import type { Client } from '../../../../client-lib/index.js';
import { RecorderDirectories } from '../../../../web/server/past/recorder-directories.js';
import { ManualClock } from '../../../kit/manual-clock.js';
import { silent } from '../../../kit/silent-log.js';

describe('the directories of recorders', () => {
  let clock: ManualClock;
  let asked: number;
  let answer: () => Promise<unknown>;
  let directories: RecorderDirectories;

  beforeEach(() => {
    clock = new ManualClock();
    asked = 0;
    answer = () => Promise.resolve({ recorder: { directory: '/data' } });
    const client = { appInfo: () => answer() } as unknown as Client;
    const clientOf = (): Promise<Client> => {
      asked += 1;
      return Promise.resolve(client);
    };
    directories = new RecorderDirectories(clientOf, clock, silent);
  });

  it('an application that runs is asked once in ten seconds, and one that does not run never', async () => {
    expect(await directories.of('e1', false)).to.equal(undefined);
    expect(asked).to.equal(0);
    expect(await directories.of('e1', true)).to.equal('/data');
    expect(await directories.of('e1', true)).to.equal('/data');
    expect(asked).to.equal(1);
    clock.advance(10_000);
    expect(await directories.of('e1', true)).to.equal('/data');
    expect(asked).to.equal(2);
    clock.advance(10_000);
    expect(await directories.of('e1', false), 'after it has ended').to.equal('/data');
    expect(asked).to.equal(2);
  });

  it('an application that does not answer within a second, or refuses, keeps what was known of it', async () => {
    await directories.of('e1', true);
    clock.advance(10_000);
    answer = () => new Promise(() => undefined);
    const waiting = directories.of('e1', true);
    clock.advance(1_000);
    expect(await waiting).to.equal('/data');
    clock.advance(10_000);
    answer = () => Promise.reject(new Error('refused'));
    expect(await directories.of('e1', true)).to.equal('/data');
    expect(await directories.of('e2', true)).to.equal(undefined);
  });
});
