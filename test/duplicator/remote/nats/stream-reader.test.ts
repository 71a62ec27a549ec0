/** The reader of a stream, against a server that sends what it should not. */
import type { Msg, NatsConnection, SubscriptionOptions } from '@nats-io/transport-node';
import { expect } from 'chai';
import { StreamReader } from '../../../../duplicator/remote/nats/stream-reader.js';
import { ManualClock } from '../../../kit/manual-clock.js';

describe('the reader of a stream', () => {
  it('answers flow control at the place of flow control only', () => {
    const published: string[] = [];
    const failures: string[] = [];
    let receive: SubscriptionOptions['callback'];
    const connection = {
      subscribe: (_subject: string, { callback }: SubscriptionOptions) => {
        receive = callback;
        return { unsubscribe: () => undefined };
      },
      request: () => new Promise(() => undefined),
      publish: (subject: string) => void published.push(subject),
    } as unknown as NatsConnection;
    const place = { connection, apiPrefix: '$JS.API', stream: 'test' };
    const reader = new StreamReader(
      { place, inboxPrefix: 'test.inbox.gsi', filter: 'data', clock: new ManualClock() },
      1,
      {
        message: () => undefined,
        idle: () => undefined,
        flowControl: (answer) => answer(),
        failed: (reason) => void failures.push(reason),
      },
    );
    const control = (reply: string): Msg =>
      ({ subject: 'inbox', reply, headers: { code: 100, get: () => '' } }) as unknown as Msg;
    void receive?.(null, control('$JS.FC.test.read.1'));
    expect(published).to.deep.equal(['$JS.FC.test.read.1']);
    void receive?.(null, control('$JS.API.STREAM.PURGE.test-gsi'));
    expect(published.length).to.equal(1);
    expect(failures).to.deep.equal(['flow control is to be answered at $JS.API.STREAM.PURGE.test-gsi']);
    reader.stop();
  });
});
